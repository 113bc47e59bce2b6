#!/usr/bin/env bash
# Builds the library for this host and installs it: targets/c/install.sh PREFIX
set -euo pipefail
[ "$#" -eq 1 ] || { echo "usage: install.sh PREFIX" >&2; exit 2; }
mkdir -p "$1/include" "$1/lib/pkgconfig" "$1/lib/cmake/southwell"
prefix=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"
cargo build --quiet --locked --release --features std
cp include/southwell.h "$prefix/include/"
cp "${CARGO_TARGET_DIR:-target}/release/libsouthwell_c.a" "$prefix/lib/"
cp cmake/southwell-config.cmake "$prefix/lib/cmake/southwell/"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
sed "s|@PREFIX@|$prefix|; s|@VERSION@|$version|" southwell.pc.in >"$prefix/lib/pkgconfig/southwell.pc"
