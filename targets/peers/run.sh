#!/usr/bin/env bash
# Peers on the same part, in the same emulator, counted in the same way: CMSIS-DSP's product and Cholesky factorisation,
# and the model predictive control of `../scenario` by OSQP's generated code and by TinyMPC. Prints tables for ../README.md.
#
#   targets/peers/run.sh [FOLDER]     FOLDER keeps what is downloaded and built (default: a scratch folder that goes)
#
# Needs python3 with pip, cargo, arm-none-eabi-gcc and g++ with newlib, qemu-system-arm. Nothing of theirs is kept here.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
if [ $# -gt 0 ]; then mkdir -p "$1"; WORK=$(cd "$1" && pwd); else WORK=$(mktemp -d); trap 'rm -rf "$WORK"' EXIT; fi
readonly WORK
readonly CMSIS=cmsisdsp-1.10.3 TINY=tinympc-0.0.8
readonly FLAGS=(-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -ffunction-sections -fdata-sections
                --specs=rdimon.specs -nostartfiles -Wl,--gc-sections -Wl,--no-warn-execstack -Wl,--no-warn-rwx-segments
                -T "$HERE/link.ld" -I "$HERE")
LEVELS=(-Os -O2)

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
for program in python3 cargo arm-none-eabi-gcc arm-none-eabi-g++ qemu-system-arm; do
    command -v "$program" >/dev/null || fail "$program is missing"
done

emulate() { # image
    timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial null \
        -semihosting-config enable=on,target=native -icount shift=2 -kernel "$1"
}

size() { arm-none-eabi-size "$1" | awk 'NR == 2 { print $1 + $2 }'; }

# --- what the peers are made of --------------------------------------------------------------------

cd "$WORK"
[ -d venv ] || python3 -m venv venv
venv/bin/python -c 'import osqp, scipy' 2>/dev/null || venv/bin/pip install -q osqp==1.1.3 scipy
for package in "$CMSIS" "$TINY"; do
    [ -d "$package" ] && continue
    venv/bin/pip download -q --no-deps --no-binary "${package%-*}" "${package%-*}==${package##*-}"
    tar xzf "$package.tar.gz"
done
[ -f steps ] || (cd "$HERE/../scenario" && cargo run --quiet --locked --example steps) >steps
[ -d cases ] || venv/bin/python "$HERE/problems.py" write steps cases >log 2>&1 || { cat log >&2; fail "the problems"; }

# TinyMPC as it is, in single precision, and without what it prints.
if [ ! -d tiny ]; then
    cp -r "$TINY/tinympc/TinyMPC" tiny
    sed -i 's/typedef double tinytype/typedef float tinytype/' tiny/src/tinympc/types.hpp
    sed -i '/std::cout/d' tiny/src/tinympc/{admm,tiny_api,rho_benchmark}.cpp
fi

readonly TINY_FLAGS=(-std=c++17 -fno-exceptions -fno-rtti -w -DEIGEN_NO_DEBUG -I tiny/src -I tiny/include/Eigen -I tiny/include)
for level in "${LEVELS[@]}"; do
    for file in admm tiny_api rho_benchmark; do
        [ -f "$file$level.o" ] || arm-none-eabi-g++ "$level" "${TINY_FLAGS[@]}" "${FLAGS[@]}" -c "tiny/src/tinympc/$file.cpp" \
            -o "$file$level.o" 2>log || { cat log >&2; fail "TinyMPC"; }
    done
done

# --- CMSIS-DSP ---------------------------------------------------------------------------------------

for level in "${LEVELS[@]}"; do
    arm-none-eabi-gcc "$level" "${FLAGS[@]}" -D__GNUC_PYTHON__ -I "$CMSIS/Include" -I "$CMSIS/PrivateInclude" \
        "$HERE"/{start,cmsis}.c "$CMSIS"/Source/MatrixFunctions/arm_mat_{vec_mult,cholesky}_f32.c -lm -o cmsis 2>log ||
        { cat log >&2; fail "CMSIS-DSP"; }
    printf 'CMSIS-DSP %s: n, instructions of a product, of a factorisation, status\n' "$level"
    emulate cmsis
done

# --- model predictive control ------------------------------------------------------------------------

echo "ours: case | largest error of an input against the bound"
venv/bin/python "$HERE/problems.py" ours steps

row() { # peer level image case
    emulate "$3" >found || fail "$1 on $4"
    printf '%s %s, %s bytes | ' "$1" "$2" "$(size "$3")"
    venv/bin/python "$HERE/problems.py" judge steps "$4" found
}

echo "peer | case | instructions: cold | warm, at most | iterations, at most | largest error of an input against the bound"
names=("cart, 10 stages" "cart, 20 stages" "quadrotor, near" "quadrotor, far")
for name in "${names[@]}"; do
    slug=${name//, /-}; slug=${slug// /-}
    for level in "${LEVELS[@]}"; do
        for code in cases/"$slug"/osqp-*; do
            ln -sf "$PWD/$code/peer_workspace.h" "$code/workspace.h"
            arm-none-eabi-gcc "$level" "${FLAGS[@]}" -DSOLVER=peer_solver -I "$code" -I "$code/inc/public" \
                -I "$code/inc/private" -I "cases/$slug" "$HERE"/{start,mpc_osqp}.c "$code"/peer_workspace.c \
                "$code"/src/*.c -lm -o osqp 2>log || { cat log >&2; fail "OSQP"; }
            row "OSQP ${code##*osqp-}" "$level" osqp "$name"
        done
        arm-none-eabi-gcc "$level" "${FLAGS[@]}" -c "$HERE/start.c" -o start.o
        for tolerance in 1e-3 1e-5; do
            arm-none-eabi-g++ "$level" "${TINY_FLAGS[@]}" "${FLAGS[@]}" -DTOLERANCE="${tolerance}f" ${RHO:+-DRHO="${RHO}f"} \
                -I "cases/$slug" "$HERE/mpc_tiny.cpp" {admm,tiny_api,rho_benchmark}"$level.o" start.o -o tinympc 2>log ||
                { cat log >&2; fail "TinyMPC"; }
            row "TinyMPC $tolerance" "$level" tinympc "$name"
        done
    done
done
