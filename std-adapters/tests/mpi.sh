#!/usr/bin/env bash
# Runs over MPI on this machine: the same bits on 1 to 4 ranks, ranks that fail, and ranks that are killed.
#
#   std-adapters/tests/mpi.sh            builds with Open MPI, then runs everything
#   std-adapters/tests/mpi.sh mpich      the same with MPICH (mpich, libmpich-dev), built in target-mpich; the tests in one
#                                        process, which know of no MPI, are left out
#   std-adapters/tests/mpi.sh mpich short    the drivers' bits, a panic and a rank that is killed: under a minute
#   MPIRUN="mpirun.mpich -f hosts" …     with another launcher
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ "${1:-}" = mpich ]; then
    export MPICC=${MPICC:-mpicc.mpich} CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target-mpich}
    MPIRUN=${MPIRUN:-mpirun.mpich}
    shift
fi
readonly SHORT=${1:-}
readonly TARGET=${CARGO_TARGET_DIR:-target}
readonly SOUTHWELL=$TARGET/debug/southwell
readonly RANKS=$TARGET/debug/examples/ranks
SOUTHWELL_HERE=$(realpath -m "$SOUTHWELL")
RANKS_HERE=$(realpath -m "$RANKS")
readonly SOUTHWELL_HERE RANKS_HERE
read -r -a LAUNCHER <<<"${MPIRUN:-mpirun --allow-run-as-root --oversubscribe --bind-to none}"
# Nothing here takes a minute on an idle machine; what takes five hangs.
readonly PATIENCE=300
WORK=$(mktemp -d)
readonly WORK
trap 'rm -rf "$WORK"' EXIT

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
say()  { printf '%s\n' "$*"; }

# ranks N PROGRAM…: to the files out and err; the exit code in CODE.
ranks() {
    local n=$1
    shift
    CODE=0
    timeout "$PATIENCE" "${LAUNCHER[@]}" -n "$n" "$@" </dev/null >"$WORK/out" 2>"$WORK/err" || CODE=$?
    [ "$CODE" -ne 124 ] || fail "$* on $n ranks: still running after ${PATIENCE}s"
}

# What a JSON document says without times and the number of ranks.
facts() { grep -v -e '"seconds"' -e '"ranks"' -e '"resumed"' "$1" | tr -d ','; }

# The profile of the tests, so that little is built twice; with FEATURES, which are the workspace's, it is the build that its
# tests were made from.
if [ -n "${FEATURES:-}" ]; then
    build=(cargo build --locked --profile test --features "$FEATURES" --example ranks)
else
    build=(cargo build --locked --profile test -p southwell-std --features mpi --example ranks)
fi
if [ "$SHORT" = short ]; then
    "${build[@]}" --no-default-features
else
    "${build[@]}" --bin southwell
fi

for n in 1 2 3 4; do
    ranks "$n" "$RANKS"
    [ "$CODE" -eq 0 ] || fail "the drivers on $n ranks: code $CODE: $(cat "$WORK/err")"
    cp "$WORK/out" "$WORK/drivers.$n"
    cmp "$WORK/drivers.1" "$WORK/drivers.$n" || fail "the drivers have other bits on $n ranks"
    [ "$SHORT" != short ] || continue

    ranks "$n" "$SOUTHWELL" heat --cluster --grid 40 --steps 60 --json
    [ "$CODE" -eq 0 ] || fail "heat on $n ranks: code $CODE: $(cat "$WORK/err")"
    [ "$(grep -c '"ranks"' "$WORK/out")" -eq 1 ] || fail "$n ranks print more than one document"
    facts "$WORK/out" >"$WORK/heat.$n"
    cmp "$WORK/heat.1" "$WORK/heat.$n" || fail "heat has other bits on $n ranks"
done
cat "$WORK/drivers.1"
[ "$SHORT" = short ] || grep -e '"name"' -e '"iterations"' -e '"fingerprint"' "$WORK/heat.1"
say "the same bits on 1, 2, 3 and 4 ranks"

# error MODE CODE TEXT: rank 1 fails; all end, and the words come once.
error() {
    ranks 3 "$RANKS" "$1"
    [ "$CODE" -eq "$2" ] || fail "$1: code $CODE instead of $2: $(cat "$WORK/err")"
    [ "$(grep -c "$3" "$WORK/err")" -eq 1 ] || fail "$1: '$3' does not come once: $(cat "$WORK/err")"
    say "$1: code $CODE, $(grep "$3" "$WORK/err")"
}
error refuse 1 'error: rank 1: `rhs\[3\]` is NaN or infinite'
error version 1 'error: rank 1 runs southwell 9.9.9'
error rows 1 'error: rank 1: row 1[0-9]* has no'
error missing 1 'error: rank 1: nowhere.mtx'
error panic 101 'rank 1 panics as it was told to'

# The second rank of a job: launchers may have helpers between them and the ranks.
second_of() {
    of() {
        local child
        for child in $(pgrep -P "$1"); do
            case $(readlink "/proc/$child/exe") in
                "$SOUTHWELL_HERE" | "$RANKS_HERE") echo "$child" ;;
            esac
            of "$child"
        done
    }
    of "$1" | sed -n 2p
}

# killed NAME JOB: kills a rank of a job, whose others end at once, and something says why.
killed() {
    local victim
    victim=$(second_of "$2")
    [ -n "$victim" ] && kill -9 "$victim" || fail "$1: the run ended before it could be killed: $(cat "$WORK/err")"
    CODE=0
    SECONDS=0
    wait "$2" || CODE=$?
    [ "$CODE" -ne 0 ] || fail "$1: a run one of whose ranks was killed reports success"
    [ "$SECONDS" -le 30 ] || fail "$1: the other ranks went on for ${SECONDS}s"
    grep -q 'signal 9' "$WORK/err" "$WORK/out" || fail "$1: nothing says that a rank was killed: $(cat "$WORK/err")"
    say "$1, killed: code $CODE after ${SECONDS}s, $(grep -h -m 1 'signal 9' "$WORK/err" "$WORK/out" | head -n 1)"
}

"${LAUNCHER[@]}" -n 3 "$RANKS" endless </dev/null >"$WORK/out" 2>"$WORK/err" &
job=$!
for _ in $(seq 600); do
    [ "$(grep -c 'has begun' "$WORK/err")" -eq 3 ] && break
    sleep 0.1
done
killed endless "$job"
if [ "$SHORT" = short ]; then
    say "passed, the short part"
    exit 0
fi

ranks 4 "$SOUTHWELL" heat --cluster --grid 5 --steps 2
[ "$CODE" -eq 1 ] && [ "$(grep -c 'start at most 2' "$WORK/err")" -eq 1 ] || fail "too many ranks: $(cat "$WORK/err")"

# A matrix from a file that no rank reads alone, and x written by all.
relax=("$SOUTHWELL" relax std-adapters/tests/data/nos3.mtx --cluster --json)
for method in cg multicolour "ssor-cg --pieces 12"; do
    read -r -a words <<<"$method"
    for n in 1 2 3 4; do
        ranks "$n" "${relax[@]}" --method "${words[@]}" --tolerance 1e-6 --out "$WORK/x.$n.npy"
        [ "$CODE" -eq 0 ] || fail "relax --method $method on $n ranks: code $CODE: $(cat "$WORK/err")"
        [ "$(grep -c '"ranks"' "$WORK/out")" -eq 1 ] || fail "relax: $n ranks print more than one document"
        cmp "$WORK/x.1.npy" "$WORK/x.$n.npy" || fail "relax --method $method has other bits on $n ranks"
    done
    say "relax --method $method: the same x on 1, 2, 3 and 4 ranks, $(grep iterations "$WORK/out")"
done

# Costs, samples and measurements from files that no rank reads alone; what is written has the same bytes.
"$RANKS" files "$WORK"
# outputs COMMAND FOLDER
outputs() {
    case $1 in
        transport) echo "--plan $2/P.npy --potentials $2/fg.npz" ;;
        *) echo "--out $2/w.out" ;;
    esac
}
while read -r -a words; do
    for n in 1 2 3 4; do
        mkdir -p "$WORK/$n"
        read -r -a places <<<"$(outputs "${words[0]}" "$WORK/$n")"
        (cd "$WORK" && ranks "$n" "$SOUTHWELL_HERE" "${words[@]}" --cluster --json "${places[@]}" && echo "$CODE" >"$WORK/code")
        [ "$(cat "$WORK/code")" -eq 0 ] || fail "${words[*]} on $n ranks: code $(cat "$WORK/code"): $(cat "$WORK/err")"
        [ "$(grep -c '"ranks"' "$WORK/out")" -eq 1 ] || fail "${words[*]}: $n ranks print more than one document"
        facts "$WORK/out" >"$WORK/$n/facts"
        diff -r "$WORK/1" "$WORK/$n" || fail "${words[*]} has other bytes on $n ranks"
    done
    say "${words[*]}: the same bytes on 1, 2, 3 and 4 ranks, $(grep -m 1 iterations "$WORK/out")"
    rm -r "$WORK"/[1-4]
done <<'COMMANDS'
transport --cost C.npy --epsilon-ratio 0.02
transport --points X.npy Y.npy --epsilon-ratio 0.02 --method log
transport --cost C.npy --epsilon-ratio 0.01 --method newton-sparse
descend data.npz --divide features --lambda-ratio 0.002
descend A.npy --targets y.npy --divide samples --lambda-ratio 0.002
recover measurements.npz --rank 2 --max-iterations 300 --tolerance 1e-3
fit rows.npz --loss lad
fit rows.npz --loss quantile:0.8 --weights w
fit rows.npz --loss huber --refine
COMMANDS

# Rank 0 alone says how far a run is, though nobody looks at a terminal.
"${LAUNCHER[@]}" -n 3 "$SOUTHWELL" heat --cluster --grid 200 --steps 1000000 --policy fixed:1.5 \
    </dev/null >"$WORK/out" 2>"$WORK/err" &
job=$!
for _ in $(seq 600); do
    grep -q 'fixed:1.5: step' "$WORK/err" && break
    sleep 0.05
done
sleep 0.2
[ "$(grep -c 'fixed:1.5: step' "$WORK/err")" -eq 1 ] || fail "progress does not come once: $(cat "$WORK/err")"
say "progress: $(cat "$WORK/err")"
killed "a run that shows its progress" "$job"

# Broken off after some steps, a run goes on with another number of ranks, to the same bytes.
for words in "transport --cost $WORK/C.npy --epsilon-ratio 0.02 --potentials" \
             "descend $WORK/data.npz --divide features --lambda-ratio 0.002 --out"; do
    read -r -a words <<<"$words"
    kept=(--checkpoint "$WORK/job.npz")
    limit=--max-iterations
    [ "${words[0]}" = transport ] || limit=--max-steps
    ranks 3 "$SOUTHWELL" "${words[@]}" "$WORK/whole.out" --cluster "${kept[@]}" --checkpoint-every 10
    [ "$CODE" -eq 0 ] || fail "${words[0]}: code $CODE: $(cat "$WORK/err")"
    rm "$WORK"/job.npz*
    ranks 3 "$SOUTHWELL" "${words[@]}" "$WORK/part.out" --cluster "${kept[@]}" --checkpoint-every 10 "$limit" 20
    [ "$CODE" -eq 3 ] || fail "${words[0]}, broken off: code $CODE: $(cat "$WORK/err")"
    kept=(--resume "$WORK/job.npz")
    ranks 2 "$SOUTHWELL" "${words[@]}" "$WORK/part.out" --cluster "${kept[@]}" --checkpoint-every 10 --json
    [ "$CODE" -eq 0 ] && grep -q '"resumed": 20' "$WORK/out" || fail "${words[0]}, resumed: code $CODE: $(cat "$WORK/err")"
    cmp "$WORK/whole.out" "$WORK/part.out" || fail "${words[0]} resumed on 2 ranks has other bytes"
    rm "$WORK"/job.npz*
    say "${words[0]}: broken off on 3 ranks and resumed on 2, to the same bytes"
done
ranks 2 "$SOUTHWELL" transport --cost "$WORK/nowhere.npy" --cluster
[ "$CODE" -eq 1 ] && [ "$(grep -c '^error: rank 0: .*nowhere.npy' "$WORK/err")" -eq 1 ] ||
    fail "missing costs: code $CODE: $(cat "$WORK/err")"
ranks 2 "$SOUTHWELL" transport --cost "$WORK/C.npy" --method greedy --cluster
[ "$CODE" -eq 1 ] && [ "$(grep -c 'not there over ranks' "$WORK/err")" -eq 1 ] ||
    fail "a method that is not there: code $CODE: $(cat "$WORK/err")"

ranks 2 "$SOUTHWELL" relax --cluster nowhere.mtx
[ "$CODE" -eq 1 ] && [ "$(grep -c '^error: rank 0: nowhere.mtx' "$WORK/err")" -eq 1 ] ||
    fail "a missing matrix: code $CODE: $(cat "$WORK/err")"

# kept WORDS…: a run on 3 ranks with checkpoints, one of whose ranks is killed once there is one.
kept() {
    local job
    rm -f "$checkpoint"*
    "${LAUNCHER[@]}" -n 3 "$@" --checkpoint "$checkpoint" </dev/null >"$WORK/out" 2>"$WORK/err" &
    job=$!
    for _ in $(seq 6000); do
        [ -e "$checkpoint" ] && break
        kill -0 "$job" 2>/dev/null || fail "$2: the run ended before it could be killed: $(cat "$WORK/err")"
        sleep 0.02
    done
    killed "$2" "$job"
}

# A rank is killed in the middle; what is left on the disk goes on, on another number of ranks.
checkpoint=$WORK/run.npz
heat=("$SOUTHWELL" heat --cluster --grid 150 --steps 300 --policy auto --json)
ranks 1 "${heat[@]}"
facts "$WORK/out" >"$WORK/whole"
kept "${heat[@]}" --checkpoint-every 5
for n in 2 4; do
    ranks "$n" "${heat[@]}" --resume "$checkpoint" --checkpoint-every 1000
    [ "$CODE" -eq 0 ] || fail "the resumption on $n ranks: code $CODE: $(cat "$WORK/err")"
    grep -q '"resumed"' "$WORK/out" || fail "the run began anew"
    facts "$WORK/out" | cmp - "$WORK/whole" || fail "the resumption on $n ranks has other bits"
done
say "heat: resumed on 2 and on 4 ranks, to the bits of the run that was not killed"

# Every other command with checkpoints likewise: one file is what came out.
while read -r -a words; do
    words=("$SOUTHWELL" "${words[0]}" --cluster --checkpoint-every 1 --json "${words[@]:1}")
    rm -f "$checkpoint"*
    ranks 1 "${words[@]}" "$WORK/whole.out" --checkpoint "$checkpoint"
    [ "$CODE" -eq 0 ] || fail "${words[1]}: code $CODE: $(cat "$WORK/err")"
    facts "$WORK/out" >"$WORK/whole"
    kept "${words[@]}" "$WORK/part.out"
    ranks 2 "${words[@]}" "$WORK/part.out" --resume "$checkpoint"
    [ "$CODE" -eq 0 ] && grep -q '"resumed"' "$WORK/out" || fail "${words[1]}, resumed: code $CODE: $(cat "$WORK/err")"
    facts "$WORK/out" | cmp - "$WORK/whole" || fail "${words[1]}: the resumption on 2 ranks reports something else"
    cmp "$WORK/whole.out" "$WORK/part.out" || fail "${words[1]} resumed on 2 ranks has other bytes"
    say "${words[1]} ${words[*]:6:4}: resumed on 2 ranks, to the bytes of the run that was not killed"
done <<COMMANDS
transport --cost $WORK/C.npy --epsilon-ratio 0.02 --potentials
descend $WORK/data.npz --divide features --lambda-ratio 0.002 --out
descend $WORK/data.npz --divide samples --lambda-ratio 0.002 --out
recover $WORK/measurements.npz --rank 2 --max-iterations 300 --tolerance 1e-3 --out
fit $WORK/rows.npz --loss lad --tolerance 1e-4 --out
relax std-adapters/tests/data/nos3.mtx --method cg --tolerance 1e-6 --out
relax std-adapters/tests/data/nos3.mtx --method multicolour --tolerance 3e-1 --out
relax std-adapters/tests/data/nos3.mtx --method ssor-cg --pieces 12 --tolerance 1e-6 --out
COMMANDS

rm -f "$checkpoint"*
ranks 3 "${heat[@]}" --checkpoint "$checkpoint" --checkpoint-every 150
# A part of the checkpoint that one rank needs is missing; the seed is another one.
ranks 2 "${heat[@]}" --resume "$checkpoint" --seed 5
[ "$CODE" -eq 1 ] && grep -q 'another run' "$WORK/err" || fail "another seed: $(cat "$WORK/err")"
rm "$WORK"/run.npz.*.2.npz
ranks 2 "${heat[@]}" --resume "$checkpoint"
[ "$CODE" -eq 1 ] && [ "$(grep -c '^error: rank 1: .*No such file' "$WORK/err")" -eq 1 ] ||
    fail "a missing piece: code $CODE: $(cat "$WORK/err")"
say "a missing piece: $(grep '^error' "$WORK/err")"
say "passed"
