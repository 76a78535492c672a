#!/usr/bin/env bash
# AddressSanitizer over the unit tests of the std transport, ThreadSanitizer over those with more than one thread in
# them (abort, callbacks, kept connections), the standard library instrumented too. Needs rustup, which installs
# nightly's own sources where it can; gcc.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
command -v rustup >/dev/null || skip 'rustup is missing, and sanitizers need a nightly compiler'
cargo +nightly --version >/dev/null 2>&1 || skip 'there is no nightly toolchain'
target=$(rustc +nightly -vV | sed -n 's/^host: //p')
case "$target" in *-linux-gnu) ;; *) skip "no sanitizers for $target" ;; esac
# Their own directory: everything is compiled differently.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitizers"
common=(--package miniwire-std --lib --target "$target")

echo '== AddressSanitizer'
RUSTFLAGS=-Zsanitizer=address timeout 900 cargo +nightly test --quiet "${common[@]}"

echo '== ThreadSanitizer'
rustup component list --toolchain nightly 2>/dev/null | grep -q '^rust-src (installed)' ||
    rustup component add rust-src --toolchain nightly >/dev/null 2>&1 ||
    skip 'rust-src for nightly cannot be installed: without an instrumented standard library the reports are false'
RUSTFLAGS=-Zsanitizer=thread timeout 900 cargo +nightly test --quiet -Zbuild-std "${common[@]}"
