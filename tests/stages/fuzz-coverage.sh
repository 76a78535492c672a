#!/usr/bin/env bash
# How much of the core the committed inputs of the fuzz targets reach, by target: lines of the rooms that a target is for,
# executed by its inputs and a thousand seeded mutations of them. Fails where it is less than the table below has.
# Usage: fuzz-coverage.sh [TARGET...]. Needs cargo and the LLVM tools of the compiler's own version, which it installs (Debian).
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
command -v cargo >/dev/null || skip 'cargo is missing'
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
PATH="/usr/lib/llvm-$llvm/bin:$PATH"
if ! llvm-cov --version 2>/dev/null | grep -q "version $llvm\."; then
    apt_install "llvm-$llvm" && llvm-cov --version 2>/dev/null | grep -q "version $llvm\." \
        || skip "llvm-cov of version $llvm is missing and could not be installed (Debian's package llvm-$llvm)"
fi

# Target, the least percentage of lines, and the rooms under core/src that it is for.
table() {
    cat <<'ROOMS'
base64         0 base64.rs
frames         0 ws/frame.rs ws/mask.rs ws/close.rs ws/connection.rs
handshake      0 ws/handshake.rs ws/sha1.rs socket/opening.rs
head           0 http/head.rs http/fields.rs http/framing.rs
inflate        0 ws/deflate.rs ws/deflate
json_validate  0 json/validate
json_write     0 json/write.rs json/escape.rs ser
multipart      0 multipart.rs
percent        0 percent.rs
policy         0 policy
query          0 query.rs ser
request_bytes  0 request call http
request_ops    0 request call http
resolve        0 url
response       0 http/response.rs http/framing.rs http/chunked.rs http/head.rs
socket_bytes   0 socket/task.rs socket/message.rs socket/sending.rs ws/connection.rs ws/frame.rs
socket_ops     0 socket ws/connection.rs ws/handshake.rs
transfer_ops   0 upload download multipart.rs call
url            0 url
utf8           0 utf8
ROOMS
}

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/coverage"
tests=$(RUSTFLAGS=-Cinstrument-coverage cargo test --quiet -p miniwire-fuzz --test corpora --no-run --message-format=json \
    | sed -n 's/.*"executable":"\([^"]*corpora[^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
printf '%-14s %8s %8s %6s\n' target lines reached '%'
while read -r target least rooms; do
    [ $# -eq 0 ] || [[ " $* " == *" $target "* ]] || continue
    test=$("$tests" --list | sed -n "s/^\([a-z]*_[0-9]*_$target\): test$/\1/p")
    LLVM_PROFILE_FILE="$work/$target.profraw" "$tests" --exact "$test" --quiet >/dev/null
    llvm-profdata merge --sparse "$work/$target.profraw" -o "$work/$target.profdata"
    read -ra rooms <<<"$rooms"
    llvm-cov export "$tests" --instr-profile="$work/$target.profdata" --summary-only --format=text \
        --sources "${rooms[@]/#/core/src/}" >"$work/$target.json"
    read -r lines reached < <(python3 -c '
import json, sys
lines = json.load(open(sys.argv[1]))["data"][0]["totals"]["lines"]
print(lines["count"], lines["covered"])' "$work/$target.json")
    percent=$((lines ? 100 * reached / lines : 0))
    printf '%-14s %8d %8d %6d\n' "$target" "$lines" "$reached" "$percent"
    [ "$percent" -ge "$least" ] || { echo "    less than $least"; failed=1; }
done < <(table)
exit "$failed"
