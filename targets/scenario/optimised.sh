#!/usr/bin/env bash
# Every scenario on every instruction set of this host, built at every optimisation level: the same bits.
#   targets/scenario/optimised.sh [LEVEL ...]      by default 0 1 2 3 s
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ $# -gt 0 ] || set -- 0 1 2 3 s
for level in "$@"; do
    printf 'opt-level %s\n' "$level"
    CARGO_PROFILE_DEV_OPT_LEVEL=$level CARGO_PROFILE_DEV_DEBUG=0 \
        cargo run --quiet --locked --example everything --target-dir "target/opt-$level"
done
