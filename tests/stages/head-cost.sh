#!/bin/bash
# Counts the instructions of reading a response head and touching every field, here and with httparse alone (the same
# build of it). Prints a Markdown table; fails where the ratio is above the limit.
set -euo pipefail
cd "$(dirname "$0")/../.."

limit_percent=150
rounds=100

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED head-cost: valgrind is not installed"
  exit 0
fi
cargo build --quiet --release --package miniwire-core --example head_cost
program="${CARGO_TARGET_DIR:-target}/release/examples/head_cost"

# instructions PARSER FIELDS: per head
instructions() {
  local out
  out=$(mktemp)
  valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect="head_cost::count_$1" \
    "$program" "$1" "$2" "$rounds" >/dev/null 2>&1
  awk -v rounds="$rounds" '/^(summary|totals):/ { print int($2 / rounds); exit }' "$out"
  rm -f "$out"
}

failed=0
echo "| fields | miniwire | httparse | ratio |"
echo "|---:|---:|---:|---:|"
for fields in 10 20 64; do
  ours=$(instructions miniwire "$fields")
  theirs=$(instructions httparse "$fields")
  percent=$((100 * ours / theirs))
  echo "| $fields | $ours | $theirs | $((percent / 100)).$(printf %02d $((percent % 100))) |"
  [ "$percent" -le "$limit_percent" ] || failed=1
done
if [ "$failed" = 1 ]; then
  echo "FAILED head-cost: above $((limit_percent / 100)).$((limit_percent % 100)) times the instructions of httparse"
  exit 1
fi
