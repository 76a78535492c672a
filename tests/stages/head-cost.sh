#!/usr/bin/env bash
# Counts the instructions of reading a response head and touching every field, here and with httparse alone (the same
# build of it), in a table. Fails where the ratio is above the limit. Needs valgrind and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need valgrind valgrind
command -v cargo >/dev/null || skip 'cargo is missing'

# What holds today and must not be lost; docs/benchmarks.md says what it is made of, and what the goal is.
limit_percent=192
rounds=100

cargo build --quiet --release --package miniwire-core --example head_cost
program="${CARGO_TARGET_DIR:-target}/release/examples/head_cost"
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

# instructions PARSER FIELDS: of one head.
instructions() {
    timeout 300 valgrind --tool=callgrind --callgrind-out-file="$counts" --toggle-collect="head_cost::count_$1" \
        "$program" "$1" "$2" "$rounds" >/dev/null 2>&1
    awk -v rounds="$rounds" '/^(summary|totals):/ { print int($2 / rounds); exit }' "$counts"
}

failed=0
echo '| fields | miniwire | httparse | ratio |'
echo '|---:|---:|---:|---:|'
for fields in 10 20 64; do
    ours=$(instructions miniwire "$fields")
    theirs=$(instructions httparse "$fields")
    percent=$((100 * ours / theirs))
    printf '| %d | %d | %d | %d.%02d |\n' "$fields" "$ours" "$theirs" $((percent / 100)) $((percent % 100))
    [ "$percent" -le "$limit_percent" ] || failed=1
done
if [ "$failed" = 1 ]; then
    echo "FAILED: more than $limit_percent % of the instructions of httparse"
    exit 1
fi
