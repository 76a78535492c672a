#!/usr/bin/env bash
# AddressSanitizer and ThreadSanitizer over the unit tests of the std transport (kept connections, TLS, the socket's pump),
# the latter also over abort, callbacks and the socket's threads from end to end, and with the standard library instrumented
# too. Needs rustup with a nightly toolchain, whose sources it installs where it can.
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
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# What a callback throws is leaked on purpose, since to drop it could throw again.
printf 'leak:miniwire_std::callbacks::caught\n' >"$reports/leaks"

# run TEST-OPTIONS...: fails where a sanitizer has something to report. A test that fails by its clock does not count, since
# everything is slower here and cargo test has the last word on it; but few have a clock, and where more fail, little of the
# code was looked at.
run() {
    local failed
    timeout 900 cargo +nightly test --quiet "$@" -- --test-threads=1 >"$reports/output" 2>&1 || true
    grep '^test result' "$reports/output" || { cat "$reports/output"; exit 1; }
    failed=$(sed -n 's/^test result.* \([0-9]*\) failed.*/\1/p' "$reports/output")
    [ "$failed" -le 3 ] || { cat "$reports/output"; exit 1; }
    if compgen -G "$reports/report.*" >/dev/null; then
        cat "$reports"/report.*
        exit 1
    fi
}

echo '== AddressSanitizer'
export ASAN_OPTIONS="log_path=$reports/report" LSAN_OPTIONS="suppressions=$reports/leaks:print_suppressions=0"
RUSTFLAGS=-Zsanitizer=address run "${common[@]}"

echo '== ThreadSanitizer'
rustup component list --toolchain nightly 2>/dev/null | grep -q '^rust-src (installed)' ||
    rustup component add rust-src --toolchain nightly >/dev/null 2>&1 ||
    skip 'rust-src for nightly cannot be installed: without an instrumented standard library the reports are false'
export TSAN_OPTIONS="log_path=$reports/report"
RUSTFLAGS=-Zsanitizer=thread run -Zbuild-std "${common[@]}"
# The threads of calls and of the socket, their callbacks and listeners, and whoever calls the context meanwhile.
for room in abort callbacks socket::order socket::one socket::listeners; do
    RUSTFLAGS=-Zsanitizer=thread run -Zbuild-std --package miniwire-tests --test e2e --target "$target" "$room::"
done
