#!/usr/bin/env bash
# Everything that must pass, for people and CI alike.
#
#   ./test.sh                 all of it, installing what it needs
#   ./test.sh lint host       some of it: lint host docs pages gpu mpi fuzz bits firmware miri c msrv bare
#   ./test.sh install         nothing but what all of it needs
#   ./test.sh supply          not among all of it: licences, sources and bans of dependencies, packaging, and versions
#                             against the last tag v*
#   ./test.sh coverage        nor this: line coverage of core; takes long, and nothing waits for it
#   ./test.sh mpich           nor this: drivers and commands over ranks with MPICH in place of Open MPI
#
# FUZZ_SECONDS=N  seconds for each fuzz target at most (default 8)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly MSRV=1.89.0
readonly NIGHTLY=nightly
readonly BARE_TARGETS=(thumbv6m-none-eabi thumbv7em-none-eabihf riscv32imac-unknown-none-elf
                       wasm32-unknown-unknown aarch64-unknown-none)
readonly FIRMWARE_TARGETS=(thumbv6m-none-eabi thumbv7m-none-eabi thumbv7em-none-eabihf thumbv8m.main-none-eabihf
                           riscv32imac-unknown-none-elf riscv32imafc-unknown-none-elf)
# Machines with other vectors than ours, reached through an emulator and through Node.
readonly NEON_TARGET=aarch64-unknown-linux-musl
readonly WASM_TARGET=wasm32-wasip1
# What `core` has besides for who asks for it; one build has it all.
readonly ADDED=southwell/heapless,southwell/nalgebra
# All of it goes in lanes, side by side: a lane that is done takes the next of these jobs, the longest of which come first.
# Verbs of one job share what they build; those of different jobs build in different folders, so that none waits for
# another's lock.
readonly JOBS=("lint host docs pages gpu mpi" fuzz bits firmware miri c "msrv bare")
read -r -a ALL <<<"${JOBS[*]}"
readonly ALL
# Verbs that must be named: cargo-deny takes a quarter of an hour to build, coverage as long to run, and MPICH a second
# build of what Open MPI has shown.
readonly NAMED=(supply coverage mpich)
MISSING=()
LISTS_ARE_NEW=false
INSTALL_ONLY=false
# Tools that cargo builds are left to the verbs that want them, which go side by side.
TOOLS_LATER=false

say()  { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }
miss() { MISSING+=("$1"); printf 'MISSING: %s\n' "$1" >&2; }

# --- what the verbs need -----------------------------------------------------------------------

need_targets() {
    local target
    for target in "$@"; do
        rustup target list --installed | grep -x "$target" >/dev/null || rustup target add "$target" ||
            miss "the Rust target $target: 'rustup target add $target' failed"
    done
}

need_component() {
    rustup component list --installed | grep "^$1" >/dev/null || rustup component add "$1" ||
        miss "the component $1: 'rustup component add $1' failed"
}

need_toolchain() {
    rustup run "$1" rustc --version >/dev/null 2>&1 || rustup toolchain install "$1" --profile minimal ||
        miss "the toolchain $1: 'rustup toolchain install $1' failed"
}

# Tries to install packages by whatever this distribution installs them with.
install_packages() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return
        as_root=(sudo -n)
    fi
    if command -v apt-get >/dev/null; then
        "$LISTS_ARE_NEW" || { "${as_root[@]}" apt-get update -qq && LISTS_ARE_NEW=true; } &&
            DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
    elif command -v dnf >/dev/null; then
        "${as_root[@]}" dnf install -y -q "$@"
    elif command -v pacman >/dev/null; then
        "${as_root[@]}" pacman -S --noconfirm --needed "$@"
    fi
}

# What a package of the same name under apt, dnf and pacman holds: its name, the package, and how it is looked for.
need() {
    local name=$1 package=$2
    shift 2
    "$@" "$name" >/dev/null && return
    install_packages "$package" || true
    "$@" "$name" >/dev/null || miss "$name: the distribution's package $package could not be installed (needs root)"
}

need_program() { need "$1" "$2" command -v; }

# A library that no program stands for, by a pattern of its file.
need_library() { need "$1" "$2" compgen -G; }

# A Vulkan loader and a driver: a card's, or lavapipe, which is software.
need_vulkan() {
    local folders=(/usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d)
    has_vulkan() {
        # All of the list is read: a program whose output nobody wants any more fails, and `pipefail` with it.
        /sbin/ldconfig -p | grep 'libvulkan\.so\.1' >/dev/null || return
        [ -n "${VK_DRIVER_FILES:-}" ] || [ -n "$(find "${folders[@]}" -name '*.json' 2>/dev/null | head -n 1)" ]
    }
    has_vulkan && return
    if command -v apt-get >/dev/null; then install_packages mesa-vulkan-drivers libvulkan1
    elif command -v dnf >/dev/null; then install_packages mesa-vulkan-drivers vulkan-loader
    else install_packages vulkan-swrast vulkan-icd-loader; fi || true
    has_vulkan || miss "a Vulkan driver: the distribution's packages (mesa-vulkan-drivers) could not be installed (needs root)"
}

# Open MPI from the distribution, and the library that its header is read with.
need_mpi() {
    need_program mpicc libopenmpi-dev; need_program mpirun openmpi-bin; need_program clang clang
    need_library '/usr/lib*/llvm*/lib/libclang*.so*' libclang-dev
}

need_miri() {
    need_toolchain "$NIGHTLY"
    local component
    for component in miri rust-src; do
        rustup component list --toolchain "$NIGHTLY" --installed | grep "^$component" >/dev/null ||
            rustup component add --toolchain "$NIGHTLY" "$component" ||
            miss "the component $component: 'rustup component add --toolchain $NIGHTLY $component' failed"
    done
}

# Tools that do little themselves are not worth a release build.
need_cargo_fuzz() {
    need_toolchain "$NIGHTLY"
    "$TOOLS_LATER" || command -v cargo-fuzz >/dev/null || cargo install --debug --locked cargo-fuzz ||
        miss "cargo-fuzz: 'cargo install --debug --locked cargo-fuzz' failed"
}

need_cargo_deny() {
    command -v cargo-deny >/dev/null || cargo install --locked cargo-deny ||
        miss "cargo-deny: 'cargo install --locked cargo-deny' failed"
}

# It reads what rustdoc says of a crate, in a format that changes with compilers: another compiler may want another version.
need_semver_checks() {
    command -v cargo-semver-checks >/dev/null || cargo install --debug --locked cargo-semver-checks@0.50.0 ||
        miss "cargo-semver-checks: 'cargo install --debug --locked cargo-semver-checks@0.50.0' failed"
}

need_defmt_print() {
    "$TOOLS_LATER" || command -v defmt-print >/dev/null || cargo install --debug --locked defmt-print ||
        miss "defmt-print: 'cargo install --debug --locked defmt-print' failed"
}

# Between what a verb needs and what it does: ends the script if something could not be had, and the verb if that was
# all that was asked for.
all_there() {
    if [ "${#MISSING[@]}" -eq 0 ]; then
        "$INSTALL_ONLY" || return 0
        exit 0
    fi
    printf '\nThis could not be installed:\n' >&2
    printf '  %s\n' "${MISSING[@]}" >&2
    exit 3
}

# --- the verbs -----------------------------------------------------------------------------------

# Whether a verb was asked for.
asked() { [[ " ${VERBS[*]} " == *" $1 "* ]]; }

# Features of what is built for this machine, of the workspace, for all verbs that build it: one build has what each of them
# needs, since a feature more is another build of all that depends on it, and of much that does not.
features() {
    local verb list=$ADDED
    for verb in gpu mpi; do ! asked "$verb" || list+=",southwell-std/$verb"; done
    echo "$list"
}

# What these features need besides Rust.
need_features() {
    ! asked gpu || need_vulkan
    ! asked mpi || need_mpi
}

lint() {
    need_component rustfmt; need_component clippy; need_targets "${FIRMWARE_TARGETS[@]}" "$WASM_TARGET"
    need_features; all_there
    say "format"
    cargo fmt --all --check
    local package
    for package in fuzz targets/scenario targets/cortex-m targets/riscv targets/c targets/wasm targets/aarch64; do
        cargo fmt --manifest-path "$package/Cargo.toml" --check
    done
    say "clippy"
    cargo clippy --locked --workspace --all-targets --features "$(features),southwell/defmt" -- -D warnings
    cargo clippy --locked -p southwell-simd --no-default-features -- -D warnings
    cargo clippy --locked -p southwell-simd --features std -- -D warnings
    cargo clippy --locked -p southwell --no-default-features -- -D warnings
    cargo clippy --locked -p southwell --features std -- -D warnings
    cargo clippy --locked -p southwell-std --no-default-features --all-targets -- -D warnings
    # Packages of other workspaces in the same folder and the same profile, which does not change what is said of a source: what
    # several of them depend on, and what is built of it for this machine, is checked once.
    (
        export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target} CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only}
        export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_LTO=false
        export CARGO_PROFILE_DEV_DEBUG_ASSERTIONS=true CARGO_PROFILE_DEV_OVERFLOW_CHECKS=true
        (cd targets/cortex-m && cargo clippy --locked --features extras -- -D warnings)
        (cd targets/riscv && cargo clippy --locked -- -D warnings)
        (cd targets/wasm && cargo clippy --locked -- -D warnings)
        # These unwind, as tests do.
        export CARGO_PROFILE_DEV_PANIC=unwind
        # Nothing is linked, so the fuzzer's C++ need not be there.
        CUSTOM_LIBFUZZER_PATH=/nowhere/libfuzzer.a cargo clippy --locked --manifest-path fuzz/Cargo.toml --all-targets -- -D warnings
        cargo clippy --locked --manifest-path targets/scenario/Cargo.toml --all-targets -- -D warnings
        (cd targets/c && cargo clippy --locked --features std --all-targets -- -D warnings)
    )
}

msrv() {
    need_toolchain "$MSRV"; all_there
    say "builds with Rust $MSRV, and without GPUs and MPI, as most build it, says nothing"
    RUSTFLAGS="${RUSTFLAGS:-} -Dwarnings" rustup run "$MSRV" cargo check --locked --workspace --lib --bins --target-dir target/msrv
}

# The examples of `core` are run; those of other packages `lint` has seen.
host() {
    need_features; all_there
    say "host tests"
    # Where GPUs are asked for, there must be one, or software that plays it.
    ! asked gpu || export SOUTHWELL_REQUIRE_GPU=1
    cargo test --locked --features "$(features)" --lib --bins --tests
    unset SOUTHWELL_REQUIRE_GPU
    cargo test --locked --features "$(features)" --doc
    say "examples"
    local example chosen=()
    for example in core/examples/*.rs; do chosen+=(--example "$(basename "$example" .rs)"); done
    cargo build --locked --profile test --features "$(features)" "${chosen[@]}"
    for example in core/examples/*.rs; do
        example=$(basename "$example" .rs)
        # Hundreds of couplings: half a minute.
        [ "$example" != transport_sequence ] || continue
        "${CARGO_TARGET_DIR:-target}/debug/examples/$example" >/dev/null || { echo "the example $example failed" >&2; return 1; }
    done
}

docs() {
    need_features; all_there
    say "documentation"
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --features "$(features),southwell/defmt"
}

# On software Vulkan where there is no card. `host` runs these tests too where both are asked for.
gpu() {
    need_vulkan; need_features; all_there
    ! asked host || return 0
    say "solvers on a GPU, or on software that plays one"
    export SOUTHWELL_REQUIRE_GPU=1
    cargo test --locked --features "$(features)" --test gpu
    cargo test --locked --features "$(features)" --lib gpu
    unset SOUTHWELL_REQUIRE_GPU
}

# Every command and every Rust snippet of README.md and docs/*.md.
pages() {
    need_program python3 python3; need_features; all_there
    say "every command of the pages"
    # The binary as the tests of the command line have it, so that it is not built twice.
    cargo test --locked --features "$(features)" --test cli --no-run
    python3 docs/check.py target/debug/southwell
    python3 docs/scaling.py --check
    say "every snippet of the pages"
    cargo test --locked --features "$(features)" --doc pages
}

# The last release that this state comes from; none where there has been none.
last_release() { git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null; }

# What is depended on, what would be published, and whether the version says what has changed since the last release.
supply() {
    need_cargo_deny; need_semver_checks; all_there
    say "licences, sources and bans"
    cargo deny --locked check bans licenses sources
    say "packages as they would be published"
    cargo package --locked --allow-dirty --workspace --exclude southwell-benches
    local release
    if release=$(last_release); then
        say "versions against what has changed since $release"
        # What core has besides is public too. GPUs and MPI of southwell-std want libraries that not every machine has.
        cargo semver-checks --baseline-rev "$release" --default-features -p southwell-simd --features std
        cargo semver-checks --baseline-rev "$release" --default-features -p southwell --features std,defmt,heapless,nalgebra
        cargo semver-checks --baseline-rev "$release" --default-features -p southwell-std
    else
        say "no version to compare with: there is no tag v*"
    fi
}

bare() {
    need_targets "${BARE_TARGETS[@]}"; all_there
    local target
    for target in "${BARE_TARGETS[@]}"; do
        say "no_std build for $target"
        cargo build --locked --release -p southwell --no-default-features --target "$target"
    done
}

# The passes' own tests and every family's scenario on NEON and on wasm simd128. The linker that comes with Rust is enough
# for both.
bits() {
    need_targets "$NEON_TARGET" "$WASM_TARGET"
    need_program qemu-aarch64 qemu-user; need_program node nodejs; all_there
    export SOUTHWELL_LEVEL="128-bit"
    # Where more numbers of the same kind would only take longer.
    export SOUTHWELL_EMULATED=1
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-Ctarget-feature=+simd128"
    export CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $PWD/targets/wasi.mjs"
    local target
    for target in "$NEON_TARGET" "$WASM_TARGET"; do
        say "the same bits on $target"
        cargo test --locked -p southwell-simd --lib --tests --target "$target" --target-dir target/bits
    done
    unset SOUTHWELL_LEVEL SOUTHWELL_EMULATED
    say "the scenario's own tests, and every scenario, not optimised and optimised most"
    (cd targets/scenario && CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0 cargo test --locked --target-dir target/opt-0)
    targets/scenario/optimised.sh 0 3
    local package
    for package in wasm aarch64; do
        say "every scenario on $package"
        (cd "targets/$package" && cargo run --quiet --locked)
    done
}

firmware() {
    need_targets "${FIRMWARE_TARGETS[@]}"; need_program qemu-system-arm qemu-system-arm
    need_program qemu-system-riscv32 qemu-system-misc; need_program python3 python3; need_component llvm-tools
    need_defmt_print; all_there
    say "firmware in the emulator"
    targets/run.sh
}

c() {
    need_targets thumbv7em-none-eabihf; need_program qemu-system-arm qemu-system-arm; need_program gcc gcc
    need_program arm-none-eabi-gcc gcc-arm-none-eabi; need_program cmake cmake; need_program pkg-config pkg-config
    all_there
    say "the C interface"
    targets/c/run.sh
}

mpi() {
    need_mpi; need_features; all_there
    say "drivers over MPI"
    FEATURES=$(features) std-adapters/tests/mpi.sh
}

mpich() {
    need_program mpicc.mpich libmpich-dev; need_program mpirun.mpich mpich; need_program clang clang
    need_library '/usr/lib*/llvm*/lib/libclang*.so*' libclang-dev; all_there
    say "drivers and commands over MPICH"
    std-adapters/tests/mpi.sh mpich
}

miri() {
    need_miri; all_there
    say "undefined behaviour in passes (Miri)"
    # Without a CPU to compile for, Miri sees the scalar code alone.
    SOUTHWELL_LEVEL="AVX2" RUSTFLAGS="-Ctarget-cpu=x86-64-v3" \
        cargo "+$NIGHTLY" miri test --locked -p southwell-simd --lib --tests
    say "and in solvers of a few variables"
    # Of transport, a test that runs every method to the end takes more than all others. One test wants powers to the last
    # place; small test matrices are never freed.
    export SOUTHWELL_LEVEL="AVX2" RUSTFLAGS="-Ctarget-cpu=x86-64-v3"
    export MIRIFLAGS="-Zmiri-deterministic-floats -Zmiri-ignore-leaks"
    cargo "+$NIGHTLY" miri test --locked -p southwell --test box_qp --test relaxation --test subgradient --test transport \
        -- tiny:: --skip every_method_ends_at_the_same --skip unbalanced_masses --skip callers_own
    cargo "+$NIGHTLY" miri test --locked -p southwell --lib -- bandit::least_squares bandit::tests::a_trial \
        bandit::tests::the_grid bandit::tests::options minimisers_of_a_shape
    unset SOUTHWELL_LEVEL RUSTFLAGS MIRIFLAGS
}

fuzz() {
    need_cargo_fuzz; all_there
    # The same inputs every time: what passed here passes there. Searching for new ones is another job: fuzz/run.sh 600.
    say "short fuzz run"
    # Without tables of lines, which take long to build: what a finding prints to run it again builds them.
    RUSTFLAGS="${RUSTFLAGS:-} -Cdebuginfo=0" FUZZ_SEED=1 FUZZ_RUNS=25000 FUZZ_JOBS=2 fuzz/run.sh "${FUZZ_SECONDS:-8}"
}

coverage() {
    need_component llvm-tools; all_there
    say "line coverage of core"
    core/coverage.sh
}

# Installs what verbs need, one after the other: package managers and rustup do not like company.
install() {
    local verb
    for verb in "$@"; do
        (INSTALL_ONLY=true; "$verb")
    done
}

# Takes jobs as long as there are any that no lane has taken; SCRATCH has a folder for each that one has.
lane() {
    local job
    for job in "${!JOBS[@]}"; do
        mkdir "$1/$job" 2>/dev/null || continue
        # shellcheck disable=SC2086 # A job is several verbs.
        ./test.sh ${JOBS[job]} || return
    done
}

# All jobs, what comes from any but the first lane marked; the first that fails ends the others.
side_by_side() {
    local lanes=$((($(nproc) + 1) / 2)) lane ended groups=() status=0 scratch
    lanes=$((lanes < 2 ? 2 : lanes > 4 ? 4 : lanes))
    scratch=$(mktemp -d)
    # Each with its compilers and emulators in a group of processes of its own.
    set -m
    lane "$scratch" &
    groups+=("$!")
    for ((lane = 1; lane < lanes; lane++)); do
        (lane "$scratch" 2>&1 | while IFS= read -r line; do printf '   | %s\n' "$line"; done) &
        groups+=("$!")
    done
    set +m
    # shellcheck disable=SC2064 # The groups as they are now.
    trap "kill -- ${groups[*]/#/-} 2>/dev/null || true; rm -rf '$scratch'" EXIT
    trap 'exit 130' INT TERM
    while [ "${#groups[@]}" -gt 0 ] && [ "$status" -eq 0 ]; do
        wait -n -p ended "${groups[@]}" || status=$?
        for lane in "${!groups[@]}"; do [ "${groups[lane]}" != "$ended" ] || unset "groups[lane]"; done
    done
    return "$status"
}

main() {
    local verbs=("$@") verb
    VERBS=("$@")
    for verb in "${verbs[@]}"; do
        case " ${ALL[*]} ${NAMED[*]} install " in
            *" $verb "*) ;;
            *) printf 'usage: ./test.sh [%s]…\n' "$(IFS='|'; echo "${ALL[*]} ${NAMED[*]} install" | tr ' ' '|')" >&2; exit 2 ;;
        esac
    done
    command -v rustup >/dev/null && command -v cargo >/dev/null || {
        printf 'MISSING: rustup and cargo; see https://rustup.rs\n' >&2; exit 3; }
    if [ "${#verbs[@]}" -eq 0 ]; then
        TOOLS_LATER=true
        install "${ALL[@]}"
        side_by_side
        say "passed: all of it"
        return
    fi
    for verb in "${verbs[@]}"; do
        if [ "$verb" = install ]; then install "${ALL[@]}"; else "$verb"; fi
    done
    say "passed: ${verbs[*]}"
}

main "$@"
