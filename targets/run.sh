#!/usr/bin/env bash
# Builds every firmware, runs it in the emulator and prints a line for each: the answer's bits are
# compared with the host's on the part itself, and an image that could panic does not link.
#
#   targets/run.sh          compares sizes and instruction counts with FOOTPRINT.md, and fails where one grew
#   targets/run.sh write    writes them to FOOTPRINT.md
#
# A second argument is a pattern of what to run, of board, target, image and opt-level: 'mps2-an386 .* (mpc|heat) s'.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
readonly HERE=$PWD MODE=${1:-check} ONLY=${2:-}

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

for program in cargo python3 qemu-system-arm qemu-system-riscv32 defmt-print; do
    command -v "$program" >/dev/null || fail "$program is missing"
done
readonly INSTALLED=$(rustc --print sysroot)/lib/rustlib
readonly M0=thumbv6m-none-eabi M3=thumbv7m-none-eabi M4F=thumbv7em-none-eabihf M33=thumbv8m.main-none-eabihf
readonly RV_FLOAT=riscv32imafc-unknown-none-elf RV_SOFT=riscv32imac-unknown-none-elf
for target in "$M0" "$M3" "$M4F" "$M33" "$RV_FLOAT" "$RV_SOFT"; do
    [ -d "$INSTALLED/$target" ] || fail "the Rust target $target is missing: rustup target add $target"
done
NM=$(find "$INSTALLED" -path '*/bin/llvm-nm' | head -1)
readonly NM
[ -n "$NM" ] || fail "llvm-nm is missing: rustup component add llvm-tools"

readonly SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
readonly LOG=$SCRATCH/log ERRORS=$SCRATCH/errors FOUND=$SCRATCH/found
readonly ROW='%-11s %-30s %-11s %-3s %9s %7s %9s  %s\n'

FEATURES=()
build() { # profile target binary
    cargo build --quiet --locked --profile "$1" --target "$2" --bin "$3" "${FEATURES[@]}" 2>"$LOG" && return
    cat "$LOG" >&2
    grep -q 'undefined symbol: southwell_can_panic' "$LOG" && fail "$3 for $2 ($1) holds a path that can panic"
    fail "$3 for $2 ($1) does not build"
}

emulate() { # board target profile binary [more options]: runs what was built
    local board=$1 folder=$3 emulator=qemu-system-arm
    local image=${CARGO_TARGET_DIR:-target}/$2/$folder/$4 name=$4
    shift 4
    case $board in virt*) emulator="qemu-system-riscv32 -bios none"; board=virt ;; esac
    timeout 300 $emulator -M "$board" -nographic -monitor none -serial null \
        -semihosting-config enable=on,target=native "$@" -kernel "$image" >"$LOG" 2>"$ERRORS"
    local status=$?
    # The log of `features` is for a program; what others say may come on either output.
    [ "$name" = features ] || cat "$ERRORS" >>"$LOG"
    return "$status"
}

chosen() { # board target image opt-level: whether this is to be run
    [[ "$*" =~ $ONLY ]]
}

check() { # board target profile binary [instructions]: builds, runs, compares, and remembers what it takes
    local opt=s summary count=- flash fixed stack left answer="same bits as the host"
    case $4 in features) answer="same bits however assembled" ;; small) answer="same bits, constant order or not" ;; esac
    [ "$3" = fast ] && opt=3
    chosen "$1" "$2" "$4" "$opt" || return 0
    local folder=$3
    build "$3" "$2" "$4"
    # Where time decides what is interrupted, it is tied to instructions: the same in every run.
    local tied=()
    [ "$4" = control ] && tied=(-icount shift=2)
    # The same where instructions are counted: 4 ns each for SysTick, 1 ns for a RISC-V core's own counter.
    if [ "${5:-}" = instructions ]; then
        tied=(-icount shift=2)
        case $1 in virt*) tied=(-icount shift=0) ;; esac
    fi
    emulate "$1" "$2" "$folder" "$4" "${tied[@]}"
    local status=$?
    if [ "$status" -ne 0 ]; then
        cat "$LOG" "$ERRORS" >&2
        fail "$4 for $2 ($3) on $1 ended with status $status"
    fi
    summary=$(grep "^$4: good" "$LOG") || { cat "$LOG" >&2; fail "$4 on $1 said nothing"; }
    read -r flash fixed stack left < <(sed 's/[^0-9 ]//g' <<<"$summary")
    printf "$ROW" "$1" "$2" "$4" "$opt" "$flash" "$((fixed + stack))" "$left" "$answer"
    if [ "${5:-}" = instructions ]; then
        # Of several counts the largest is kept: the worst case.
        count=$(grep instructions "$LOG" | sed 's/ instructions.*//' | grep -oE '[0-9]+$' | sort -n | tail -1)
        sed -n "/instructions/s/^/$(printf '%-11s' "$1") /p" "$LOG"
    fi
    bound "$2" "$folder" "$4" "$stack"
    symbols "$2" "$folder" "$4"
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$4" "$opt" "$flash" "$((fixed + stack))" "$stack" \
        "$BOUND" "$count" >>"$FOUND"
}

symbols() { # target profile binary: what no image may hold, and what none in single precision alone may
    local image=${CARGO_TARGET_DIR:-target}/$1/$2/$3 banned='core::panicking|rust_panic|__rust_|(^| )alloc::|malloc|_sbrk'
    # Texts come with what writes them: a log where one is asked for, and what errors say, which `methods` hashes.
    case $3 in features | methods) ;; *) banned+='|core::fmt::' ;; esac
    case $3 in association | control | small) banned+='|__aeabi_(d|[a-z0-9]+2d$)|__[a-z]+df[0-9]?$' ;; esac
    "$NM" --demangle "$image" >"$SCRATCH/symbols" || fail "the symbols of $3 cannot be read"
    if grep -E "$banned" "$SCRATCH/symbols" | cut -d' ' -f3- >&2; then fail "$3 for $1 ($2) holds what no such image may"; fi
}

bound() { # target profile binary painted: the stack's bound by the machine code, into BOUND; - where there is none
    local open
    BOUND=-
    # In `control` an interrupt's own stack comes on top.
    [ "$1" = "$M4F" ] && [ "$3" != control ] || return 0
    read -r BOUND open < <(python3 "$HERE/stack.py" "${CARGO_TARGET_DIR:-target}/$1/$2/$3")
    [ -n "$BOUND" ] || fail "the stack of $3 could not be read"
    [ "$4" -le "$BOUND" ] || [ -n "$open" ] || fail "$3 took $4 bytes of stack, and the bound is $BOUND"
    [ -z "$open" ] || { echo "$3: no bound of the stack: $open"; BOUND=-; }
}

behind() { # binary pattern [target]: stack, code, the compiler's part of it, and its routines for doubles, from a function on
    python3 "$HERE/stack.py" "${CARGO_TARGET_DIR:-target}/${3:-$M4F}/release/$1" "$2" |
        sed -nE "1s/^stack ([0-9]+), code ([0-9]+), compiler's ([0-9]+), for doubles ([0-9]+):.*/\1 \2 \3 \4/p"
}

solve() { # binary what pattern: code and stack behind one function of an image that was built for a Cortex-M4F
    local stack code compilers double
    chosen mps2-an386 "$M4F" "$1" s || return 0
    read -r stack code compilers double < <(behind "$1" "$3")
    [ -n "$code" ] || fail "$1 holds no function $3"
    [ "$double" -eq 0 ] || fail "$3 of $1 computes with doubles"
    code=$((code - compilers))
    printf "$ROW" "(solve)" "$M4F" "$2" s "$code" "$stack" - "code, and the bound of the stack"
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "-" "$M4F" "$2" s "$code" - - "$stack" - >>"$FOUND"
}

functions() { # board target: what a call of an elementary function takes, ours and others'
    local what count flash own
    chosen "$1" "$2" functions s || return 0
    build release "$2" functions
    emulate "$1" "$2" release functions -icount shift=2 || { cat "$LOG" >&2; fail "functions on $1"; }
    while IFS=$'\t' read -r what count; do
        read -r _ flash own _ < <(behind functions "functions::${what/: /_}\$" "$2")
        # Without arithmetic in software, which is the compiler's.
        flash=$((flash - own))
        printf "$ROW" "$1" "$2" "$what" s "$flash" - - "$count instructions a call"
        printf '%s\t%s\t%s\ts\t%s\t-\t-\t-\t%s\n' "$1" "$2" "$what" "$flash" "$count" >>"$FOUND"
    done < <(sed -nE 's/^function (.*) ([0-9]+)$/\1\t\2/p' "$LOG")
}

links() { # target binary: for the proof alone
    chosen "(none)" "$1" "$2" 3 || return 0
    SOUTHWELL_FLASH=4M build fast "$1" "$2"
    printf "$ROW" "(none)" "$1" "$2" 3 - - - "links: no path can panic"
}

# A linker of whole images uses one core: those of a target are built side by side here. Whatever fails does so again where
# it is asked for, and is told there.
ahead() { # profile target binary…
    [ -z "$ONLY" ] || return 0
    local profile=$1 target=$2
    shift 2
    cargo build --quiet --locked --keep-going --profile "$profile" --target "$target" "${@/#/--bin=}" >/dev/null 2>&1 || true
}

# The proof's own test: a path that can panic must not link.
must_not_link() {
    [ -z "$ONLY" ] || return 0
    if cargo build --quiet --locked --release --features can-panic --bin can-panic 2>"$LOG"; then
        fail "can-panic links: the proof proves nothing"
    fi
    grep -q 'undefined symbol: southwell_can_panic' "$LOG" || { cat "$LOG" >&2; fail "can-panic fails for another reason"; }
}

python3 -m doctest depth.py || fail "depth.py does not do what it says"

printf "$ROW" board target firmware opt flash RAM "RAM left" answer

cd "$HERE/cortex-m" || exit 1
must_not_link
readonly ALL=(association mpc calibration couplings descent heat rules methods nonsmooth passes)
for profile in release fast; do
    ahead "$profile" "$M4F" "${ALL[@]}"
    check mps2-an386 "$M4F" "$profile" association instructions
    check mps2-an386 "$M4F" "$profile" mpc instructions
    check mps2-an386 "$M4F" "$profile" calibration instructions
    for binary in couplings descent heat rules methods nonsmooth passes; do
        check mps2-an386 "$M4F" "$profile" "$binary"
    done
    # 16 KiB of RAM are too few for `rules`, 256 KiB of flash for `methods` and `passes` at opt-level 3.
    check microbit "$M0" "$profile" heat
done
if chosen mps2-an386 "$M4F" heat s; then
    read -r _ _ _ double < <(behind heat 'heat::sweep::<f64')
    [ "$double" -gt 0 ] || fail "arithmetic with doubles is not seen where it is"
fi
solve heat "relaxation: SOR" 'heat::sweep::<f32'
solve heat "relaxation: SSOR-CG" 'heat::tick::<f32'
solve association "transport" 'association::solve::<f32'
solve mpc "descent: prepared" 'mpc::tick::<f32, .*Prepared'
solve mpc "descent: in stages" 'mpc::tick::<f32, .*Staged'
solve calibration "sub-gradients" 'calibration::calibrate::<f32'
ahead release "$M0" association calibration heat methods nonsmooth passes
SOUTHWELL_FLASH=4M ahead fast "$M0" association calibration couplings descent methods mpc nonsmooth passes
for binary in association calibration couplings descent methods mpc nonsmooth passes; do
    # 16 KiB of RAM are too few for some in double precision.
    case $binary in couplings | descent | mpc) ;; *) check microbit "$M0" release "$binary" ;; esac
    links "$M0" "$binary"
done
check mps2-an386 "$M4F" release small instructions
ahead release "$M3" "${ALL[@]}"
check mps2-an385 "$M3" release association instructions
check mps2-an385 "$M3" release mpc instructions
check mps2-an385 "$M3" release calibration instructions
for binary in couplings descent heat rules methods nonsmooth passes; do
    check mps2-an385 "$M3" release "$binary"
done
ahead release "$M33" association heat mpc calibration
check mps2-an505 "$M33" release association
check mps2-an505 "$M33" release heat
check mps2-an505 "$M33" release mpc
check mps2-an505 "$M33" release calibration
check mps2-an500 "$M4F" release association instructions
check mps2-an500 "$M4F" release heat


# What the library's features add, and its log as a host decodes it; a solve in the idle time of a control loop.
FEATURES=(--features extras)
check mps2-an386 "$M4F" release features
if [ -z "$ONLY" ]; then
    defmt-print -e "${CARGO_TARGET_DIR:-target}/$M4F/release/features" <"$ERRORS" >"$LOG" || fail "the log cannot be decoded"
    grep -q 'INFO  solved Report { status: Converged, steps: 6, ' "$LOG" && grep -q 'WARN  refused Workspace { needed: 23' "$LOG" ||
        { cat "$LOG" >&2; fail "the log does not say what happened"; }
    sed -n 's/^/log: /; /solved\|refused/p' "$LOG" | tail -2
fi
check mps2-an386 "$M4F" release control
solve control "descent: compact" 'mpc::tick::<f32, .*Prepared'
[ -n "$ONLY" ] || grep '^control: .*interrupted' "$LOG" || fail "control says nothing of interruptions"
FEATURES=(--features functions)
functions mps2-an386 "$M4F"
functions mps2-an385 "$M3"
FEATURES=()

cd "$HERE/riscv" || exit 1
must_not_link
for target in "$RV_FLOAT" "$RV_SOFT"; do
    board=virt-imafc
    [ "$target" = "$RV_SOFT" ] && board=virt-imac
    ahead release "$target" association mpc calibration couplings descent heat methods nonsmooth passes
    check "$board" "$target" release association instructions
    check "$board" "$target" release mpc instructions
    check "$board" "$target" release calibration instructions
    for binary in couplings descent heat methods nonsmooth passes; do
        check "$board" "$target" release "$binary"
    done
done

cd "$HERE" || exit 1
python3 footprint.py "$MODE" "$FOUND" FOOTPRINT.md ${ONLY:+"$ONLY"} || exit 1
