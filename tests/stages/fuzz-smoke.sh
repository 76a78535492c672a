#!/usr/bin/env bash
# Runs each fuzz target for some seconds and fails on a finding. Usage: fuzz-smoke.sh [SECONDS [TARGET...]], 10 seconds and
# all targets by default. Needs cargo, a nightly toolchain and a C++ compiler; installs cargo-fuzz where it is missing.
#
# FUZZ_RUNS=N ends a target after so many executions, if that is earlier. FUZZ_SANITIZER=none leaves AddressSanitizer out:
# twice the speed, for long runs of code that has no `unsafe`. FUZZ_JOBS=N runs so many targets at a time, not one a core.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
seconds=${1:-10}
[ $# -gt 0 ] && shift
export seconds build="--fuzz-dir fuzz --features libfuzzer --sanitizer ${FUZZ_SANITIZER:-address}"

command -v cargo >/dev/null || skip 'cargo is missing'
command -v rustup >/dev/null || skip 'rustup is missing, so there is no nightly toolchain to be found'
rustup run nightly rustc --version >/dev/null 2>&1 || skip 'no nightly toolchain: rustup toolchain install nightly'
need c++ g++
cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz \
    || skip 'cargo-fuzz is missing and could not be installed: cargo install cargo-fuzz --locked'

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list --fuzz-dir fuzz)
# shellcheck disable=SC2086 # several words
cargo +nightly fuzz build $build

# What is found goes here, so that the committed inputs stay as they are.
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT

# one TARGET: a line of executions, coverage and inputs kept; or what was said of the finding, and the finding.
one() {
    local target=$1 inputs options log found
    mkdir "$work/$target"
    inputs=("$work/$target" "fuzz/corpus/$target")
    [ -d "fuzz/regressions/$target" ] && inputs+=("fuzz/regressions/$target")
    options=(-max_total_time="$seconds" -runs="${FUZZ_RUNS:--1}" -timeout=30 -print_final_stats=1)
    [ -f "fuzz/dictionaries/$target.dict" ] && options+=(-dict="fuzz/dictionaries/$target.dict")
    log="$work/$target.log"
    # shellcheck disable=SC2086
    if cargo +nightly fuzz run $build "$target" "${inputs[@]}" -- "${options[@]}" >"$log" 2>&1 </dev/null; then
        printf '%-14s %s\n' "$target" "$(grep 'DONE' "$log" | tail -n 1)"
        return
    fi
    echo "$target" >>"$work/failed"
    # The machine that found it may be gone by the time that somebody reads this.
    found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    printf '%s\n%s\n' "$(grep -A 3 'panicked at' "$log")" "$(tail -n 40 "$log")"
    [ -n "$found" ] && [ "$(stat -c %s "$found")" -le 20000 ] &&
        printf '%s, gzip, base64:\n%s\n' "$target" "$(gzip -9c "$found" | base64 -w 120)"
    return 0
}
export -f one

printf '%s\n' "${targets[@]}" | xargs -P "${FUZZ_JOBS:-$(nproc)}" -I {} bash -c 'one {}'
if [ -s "$work/failed" ]; then
    echo "findings in: $(xargs <"$work/failed"); the inputs are in fuzz/artifacts"
    exit 1
fi
echo "${#targets[@]} targets, $seconds s each, no finding"
