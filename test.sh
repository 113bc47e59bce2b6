#!/usr/bin/env bash
# Everything that must pass, for people and CI alike.
#
#   ./test.sh                 all of it, installing what it needs
#   ./test.sh lint host       some of it: lint msrv host docs bare bits firmware c miri fuzz
#   ./test.sh coverage        line coverage of core; takes long, and nothing waits for it
#
# FUZZ_SECONDS=N  seconds for each fuzz target (default 8)
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
readonly ALL=(lint msrv host docs bare bits firmware c miri fuzz)
# What runs only if it is asked for.
readonly MORE=(coverage)
MISSING=()

say()  { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }
miss() { MISSING+=("$1"); printf 'MISSING: %s\n' "$1" >&2; }

# --- what the verbs need -----------------------------------------------------------------------

need_targets() {
    local target
    for target in "$@"; do
        rustup target list --installed | grep -qx "$target" || rustup target add "$target" ||
            miss "the Rust target $target: 'rustup target add $target' failed"
    done
}

need_component() {
    rustup component list --installed | grep -q "^$1" || rustup component add "$1" ||
        miss "the component $1: 'rustup component add $1' failed"
}

need_toolchain() {
    rustup run "$1" rustc --version >/dev/null 2>&1 || rustup toolchain install "$1" --profile minimal ||
        miss "the toolchain $1: 'rustup toolchain install $1' failed"
}

# A program, and the package that holds it under apt, dnf and pacman alike.
need_program() {
    local program=$1 package=$2
    command -v "$program" >/dev/null && return
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            miss "$program: install the package $package (needs root)"
            return
        fi
        as_root=(sudo -n)
    fi
    if command -v apt-get >/dev/null; then
        "${as_root[@]}" apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$package"
    elif command -v dnf >/dev/null; then
        "${as_root[@]}" dnf install -y -q "$package"
    elif command -v pacman >/dev/null; then
        "${as_root[@]}" pacman -S --noconfirm --needed "$package"
    fi || true
    command -v "$program" >/dev/null || miss "$program: the distribution's package $package could not be installed"
}

need_miri() {
    need_toolchain "$NIGHTLY"
    local component
    for component in miri rust-src; do
        rustup component list --toolchain "$NIGHTLY" --installed | grep -q "^$component" ||
            rustup component add --toolchain "$NIGHTLY" "$component" ||
            miss "the component $component: 'rustup component add --toolchain $NIGHTLY $component' failed"
    done
}

need_cargo_fuzz() {
    need_toolchain "$NIGHTLY"
    command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz ||
        miss "cargo-fuzz: 'cargo install --locked cargo-fuzz' failed"
}

# Ends the script if something a verb needs could not be had.
all_there() {
    [ "${#MISSING[@]}" -eq 0 ] && return
    printf '\nThis could not be installed:\n' >&2
    printf '  %s\n' "${MISSING[@]}" >&2
    exit 3
}

# --- the verbs -----------------------------------------------------------------------------------

lint() {
    need_component rustfmt; need_component clippy; need_targets "${FIRMWARE_TARGETS[@]}"; all_there
    say "format"
    cargo fmt --all --check
    local package
    for package in fuzz targets/scenario targets/cortex-m targets/riscv targets/c; do
        cargo fmt --manifest-path "$package/Cargo.toml" --check
    done
    say "clippy"
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo clippy --locked -p southwell-simd --no-default-features -- -D warnings
    cargo clippy --locked -p southwell-simd --features std -- -D warnings
    cargo clippy --locked -p southwell --no-default-features -- -D warnings
    cargo clippy --locked -p southwell --features std -- -D warnings
    cargo clippy --locked -p southwell-std --no-default-features --all-targets -- -D warnings
    cargo clippy --locked --manifest-path fuzz/Cargo.toml --all-targets -- -D warnings
    cargo clippy --locked --manifest-path targets/scenario/Cargo.toml --all-targets -- -D warnings
    (cd targets/cortex-m && cargo clippy --locked --release -- -D warnings)
    (cd targets/riscv && cargo clippy --locked --release -- -D warnings)
    (cd targets/c && cargo clippy --locked --features std --all-targets -- -D warnings)
}

msrv() {
    need_toolchain "$MSRV"; all_there
    say "builds with Rust $MSRV"
    rustup run "$MSRV" cargo check --locked --workspace --lib --bins --target-dir target/msrv
}

host() {
    say "host tests"
    cargo test --locked --workspace
    (cd targets/scenario && cargo test --locked)
}

docs() {
    say "documentation"
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
}

bare() {
    need_targets "${BARE_TARGETS[@]}"; all_there
    local target
    for target in "${BARE_TARGETS[@]}"; do
        say "no_std build for $target"
        cargo build --locked --release -p southwell --no-default-features --target "$target"
    done
}

# The passes' own tests and every family's scenario on NEON and on wasm simd128. The linker that comes with Rust is enough for both.
bits() {
    need_targets "$NEON_TARGET" "$WASM_TARGET"
    need_program qemu-aarch64 qemu-user; need_program node nodejs; all_there
    export SOUTHWELL_LEVEL="128-bit"
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64
    export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-Ctarget-feature=+simd128"
    export CARGO_TARGET_WASM32_WASIP1_RUNNER="node --no-warnings $PWD/targets/wasi.mjs"
    local target
    for target in "$NEON_TARGET" "$WASM_TARGET"; do
        say "the same bits on $target"
        cargo test --locked -p southwell-simd --lib --tests --target "$target"
        (cd targets/scenario && cargo test --locked --tests --target "$target")
    done
    unset SOUTHWELL_LEVEL
}

firmware() {
    need_targets "${FIRMWARE_TARGETS[@]}"; need_program qemu-system-arm qemu-system-arm
    need_program qemu-system-riscv32 qemu-system-misc; need_program python3 python3; all_there
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

miri() {
    need_miri; all_there
    say "undefined behaviour in passes (Miri)"
    # Without a CPU to compile for, Miri sees the scalar code alone.
    SOUTHWELL_LEVEL="AVX2" RUSTFLAGS="-Ctarget-cpu=x86-64-v3" \
        cargo "+$NIGHTLY" miri test --locked -p southwell-simd --lib --tests
}

fuzz() {
    need_cargo_fuzz; all_there
    say "short fuzz run"
    fuzz/run.sh "${FUZZ_SECONDS:-8}"
}

coverage() {
    need_component llvm-tools; all_there
    say "line coverage of core"
    core/coverage.sh
}

main() {
    local verbs=("$@") verb
    [ "${#verbs[@]}" -gt 0 ] || verbs=("${ALL[@]}")
    for verb in "${verbs[@]}"; do
        case " ${ALL[*]} ${MORE[*]} " in
            *" $verb "*) ;;
            *) printf 'usage: ./test.sh [%s]…\n' "$(IFS='|'; echo "${ALL[*]}|${MORE[*]}")" >&2; exit 2 ;;
        esac
    done
    command -v rustup >/dev/null && command -v cargo >/dev/null || {
        printf 'MISSING: rustup and cargo; see https://rustup.rs\n' >&2; exit 3; }
    for verb in "${verbs[@]}"; do "$verb"; done
    say "passed: ${verbs[*]}"
}

main "$@"
