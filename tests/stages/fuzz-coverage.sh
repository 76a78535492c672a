#!/usr/bin/env bash
# How much of the core the committed inputs of the fuzz targets reach, by target: lines of the rooms that a target is for,
# executed by its inputs and a thousand seeded mutations of them. Fails where it is less than the table below has.
# FUZZ_UNREACHED=1 prints the lines that are not. Usage: fuzz-coverage.sh [TARGET...]. Needs cargo and the LLVM tools of the compiler's own version, which it installs (Debian).
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
base64        89 base64.rs
extensions    84 ws/deflate/negotiation.rs
frames        66 ws/frame.rs ws/mask.rs ws/close.rs ws/connection.rs
handshake     77 ws/handshake.rs ws/sha1.rs socket/opening.rs
head          75 http/head.rs http/fields.rs http/framing.rs
inflate       94 ws/deflate.rs ws/deflate/inflate.rs ws/deflate/compress.rs ws/deflate/huffman.rs
json_validate 96 json/validate
json_write    57 json/write.rs json/escape.rs ser
multipart     98 multipart.rs
percent       98 percent.rs
policy        70 policy
query         62 query.rs ser
request_bytes 80 request call http
request_ops   81 request call http
resolve       76 url
response      78 http/response.rs http/framing.rs http/chunked.rs http/head.rs
socket_bytes  54 socket/task.rs socket/message.rs socket/sending.rs ws/connection.rs ws/frame.rs
socket_ops    77 socket ws/connection.rs ws/handshake.rs
transfer_ops  76 upload download multipart.rs call
url           59 url
utf8          97 utf8
all           86 .
ROOMS
}

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/coverage"
tests=$(RUSTFLAGS=-Cinstrument-coverage cargo test --quiet -p miniwire-fuzz --test corpora --no-run --message-format=json \
    | sed -n 's/.*"executable":"\([^"]*corpora[^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# Names, codes and texts for people, which no target asks for.
told='core/src/(reason|can_i_use)'
printf '%-14s %8s %8s %6s\n' target lines reached '%'
while read -r target least rooms; do
    [ $# -eq 0 ] || [[ " $* " == *" $target "* ]] || continue
    if [ "$target" = all ]; then
        profiles=("$work"/*.profraw)
    else
        test=$("$tests" --list | sed -n "s/^\([a-z]*_[0-9]*_$target\): test$/\1/p")
        profiles=("$work/$target.profraw")
        LLVM_PROFILE_FILE="${profiles[0]}" "$tests" --exact "$test" --quiet >/dev/null
    fi
    llvm-profdata merge --sparse "${profiles[@]}" -o "$work/$target.profdata"
    read -ra rooms <<<"$rooms"
    llvm-cov export "$tests" --instr-profile="$work/$target.profdata" --summary-only --format=text \
        --ignore-filename-regex="$told" --sources "${rooms[@]/#/core/src/}" >"$work/$target.json"
    read -r lines reached < <(python3 -c '
import json, sys
lines = json.load(open(sys.argv[1]))["data"][0]["totals"]["lines"]
print(lines["count"], lines["covered"])' "$work/$target.json")
    percent=$((lines ? 100 * reached / lines : 0))
    printf '%-14s %8d %8d %6d\n' "$target" "$lines" "$reached" "$percent"
    [ "$percent" -ge "$least" ] || { echo "    less than $least"; failed=1; }
    if [ -n "${FUZZ_UNREACHED:-}" ]; then
        llvm-cov show "$tests" --ignore-filename-regex="$told" --instr-profile="$work/$target.profdata" --sources "${rooms[@]/#/core/src/}" \
            | grep -E '^/|\| +0\|' || true
    fi
done < <(table)
exit "$failed"
