#!/usr/bin/env bash
# The tests of the core, of embassy and of std's units with a standard library that checks what its unsafe functions are
# promised, and with the compiler's extra checks of constants and of memory that is not initialised (cargo careful). That
# looks at the dependencies' `unsafe`, since the core and transport-embassy have none. Needs rustup with a nightly
# toolchain; installs its sources and cargo-careful where they are missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
command -v rustup >/dev/null || skip 'rustup is missing, and cargo careful needs a nightly compiler'
cargo +nightly --version >/dev/null 2>&1 || skip 'there is no nightly toolchain'
rustup component list --toolchain nightly 2>/dev/null | grep -q '^rust-src (installed)' ||
    rustup component add rust-src --toolchain nightly >/dev/null 2>&1 ||
    skip 'rust-src for nightly cannot be installed'
command -v cargo-careful >/dev/null || cargo install --quiet --locked cargo-careful ||
    skip 'cargo-careful is missing and could not be installed: cargo install cargo-careful --locked'
# Their own directory: everything is compiled differently.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/careful"

careful() {
    timeout 1100 cargo +nightly careful test --quiet "$@"
}

careful --package miniwire-core --all-features --lib --tests
# Without the two days, which take minutes here.
rooms=(calls dns ending files kept secured tls_attacks tls_certificates tls_session)
careful --package miniwire-embassy --all-features --lib "${rooms[@]/#/--test=}"
careful --package miniwire-std --lib
