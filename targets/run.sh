#!/usr/bin/env bash
# Builds every firmware, runs it in the emulator and prints a line for each: the answer's bits are
# compared with the host's on the part itself, and an image that could panic does not link.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/cortex-m" || exit 1

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

command -v qemu-system-arm >/dev/null || fail "qemu-system-arm is missing: install the package qemu-system-arm"
command -v cargo >/dev/null || fail "cargo is missing"
readonly INSTALLED=$(rustc --print sysroot)/lib/rustlib
for target in thumbv7em-none-eabihf thumbv6m-none-eabi; do
    [ -d "$INSTALLED/$target" ] || fail "the Rust target $target is missing: rustup target add $target"
done

readonly LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
readonly ROW='%-11s %-22s %-8s %-3s %9s %7s %9s  %s\n'

build() { # profile target binary
    cargo build --quiet --locked --profile "$1" --target "$2" --bin "$3" 2>"$LOG" && return
    cat "$LOG" >&2
    grep -q 'undefined symbol: southwell_can_panic' "$LOG" && fail "$3 for $2 ($1) holds a path that can panic"
    fail "$3 for $2 ($1) does not build"
}

check() { # board target profile binary
    local opt=s summary
    [ "$3" = fast ] && opt=3
    build "$3" "$2" "$4"
    timeout 300 cargo run --quiet --locked --profile "$3" --target "$2" --bin "$4" >"$LOG" 2>&1
    local status=$?
    if [ "$status" -ne 0 ]; then
        cat "$LOG" >&2
        fail "$4 for $2 ($3) on $1 ended with status $status"
    fi
    summary=$(grep "^$4: good" "$LOG") || { cat "$LOG" >&2; fail "$4 on $1 said nothing"; }
    read -r flash fixed stack left < <(sed 's/[^0-9 ]//g' <<<"$summary")
    printf "$ROW" "$1" "$2" "$4" "$opt" "$flash" "$((fixed + stack))" "$left" "same bits as the host"
}

count() { # board target binary: instructions, where the emulator ties time to them
    local image=${CARGO_TARGET_DIR:-target}/$2/release/$3
    timeout 300 qemu-system-arm -M "$1" -icount shift=2 -nographic -monitor none -serial null \
        -semihosting-config enable=on,target=native -kernel "$image" >"$LOG" 2>&1 ||
        { cat "$LOG" >&2; fail "$3 on $1 with counted instructions"; }
    printf '%-11s %s\n' "$1" "$(grep instructions "$LOG")"
}

# The proof's own test: a path that can panic must not link.
if cargo build --quiet --locked --release --features can-panic --bin can-panic 2>"$LOG"; then
    fail "can-panic links: the proof proves nothing"
fi
grep -q 'undefined symbol: southwell_can_panic' "$LOG" || { cat "$LOG" >&2; fail "can-panic fails for another reason"; }

printf "$ROW" board target firmware opt flash RAM "RAM left" answer
for profile in release fast; do
    for binary in association calibration couplings heat rules methods nonsmooth passes; do
        check mps2-an386 thumbv7em-none-eabihf "$profile" "$binary"
    done
    # 16 KiB of RAM are too few for `rules`, 256 KiB of flash for `methods` and `passes` at opt-level 3.
    check microbit thumbv6m-none-eabi "$profile" heat
done
for binary in association calibration couplings methods nonsmooth passes; do
    # 16 KiB of RAM are too few for `couplings` in double precision.
    [ "$binary" = couplings ] || check microbit thumbv6m-none-eabi release "$binary"
    SOUTHWELL_FLASH=4M build fast thumbv6m-none-eabi "$binary"
    printf "$ROW" "(none)" thumbv6m-none-eabi "$binary" 3 - - - "links: no path can panic"
done
count mps2-an386 thumbv7em-none-eabihf association
count mps2-an386 thumbv7em-none-eabihf calibration
if [ -d "$INSTALLED/thumbv7m-none-eabi" ]; then
    for binary in association calibration couplings heat rules methods nonsmooth passes; do
        check mps2-an385 thumbv7m-none-eabi release "$binary"
    done
    count mps2-an385 thumbv7m-none-eabi association
    count mps2-an385 thumbv7m-none-eabi calibration
else
    printf "$ROW" mps2-an385 thumbv7m-none-eabi all s - - - "skipped: the Rust target is not installed"
fi
