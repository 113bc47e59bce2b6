#!/usr/bin/env bash
# The C interface: the header is that of the sources; a host program, with sanitizers and through pkg-config and CMake;
# a firmware that links because nothing it calls can panic, and finds the host's bits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly TARGET=thumbv7em-none-eabihf OUT=${CARGO_TARGET_DIR:-target}
readonly SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
readonly WARN=(-std=c11 -Wall -Wextra -Werror -pedantic)
readonly SANITIZE=(-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all)
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

cargo run --quiet --locked --features std --example header

./install.sh "$SCRATCH/prefix"
export PKG_CONFIG_PATH=$SCRATCH/prefix/lib/pkgconfig
read -ra flags < <(pkg-config --cflags --libs southwell)
gcc "${WARN[@]}" "${SANITIZE[@]}" tests/*.c "${flags[@]}" -o "$SCRATCH/host"
printf 'host, sanitized:  '; "$SCRATCH/host"
cmake -S . -B "$SCRATCH/build" -DCMAKE_PREFIX_PATH="$SCRATCH/prefix" >"$SCRATCH/log" 2>&1 &&
    cmake --build "$SCRATCH/build" >>"$SCRATCH/log" 2>&1 || { cat "$SCRATCH/log" >&2; fail "CMake"; }
printf 'host, by CMake:   '; "$SCRATCH/build/host"

firmware() { # image [more flags]
    local image=$1
    shift
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Os -ffunction-sections -ffreestanding \
        -nostdlib "${WARN[@]}" -Iinclude "$@" firmware/start.c firmware/main.c \
        "$OUT/$TARGET/release/libsouthwell_c.a" -Wl,--gc-sections -Wl,--no-warn-execstack -T firmware/link.ld \
        -o "$image" 2>"$SCRATCH/log"
}

cargo build --quiet --locked --release --target "$TARGET"
firmware "$SCRATCH/firmware" || { cat "$SCRATCH/log" >&2; fail "the firmware does not link"; }
printf 'Cortex-M4F:       '
timeout 60 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial null \
    -semihosting-config enable=on,target=native -kernel "$SCRATCH/firmware" || fail "the firmware"
arm-none-eabi-size "$SCRATCH/firmware" | awk 'NR == 2 { print "                  flash " $1 + $2 ", static RAM " $2 + $3 " bytes" }'

# The proof's own test: a call that can panic must not link.
cargo build --quiet --locked --release --target "$TARGET" --features can-panic
firmware "$SCRATCH/can-panic" -DCAN_PANIC && fail "a call that can panic links: the proof proves nothing"
grep -q 'southwell_can_panic' "$SCRATCH/log" || { cat "$SCRATCH/log" >&2; fail "can-panic fails for another reason"; }
echo "can-panic:        does not link, as it must not"
