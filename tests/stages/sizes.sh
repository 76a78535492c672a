#!/usr/bin/env bash
# The flash and RAM of a program that calls my.request, in a table, and beside it a GET through another client. Fails where
# the plainest call takes more than it may. Needs cargo, a compiler for the target (see lib/bare.sh) and llvm.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/bare.sh
need llvm-size llvm
bare_images

# sections IMAGE: bytes of flash, of .text, .rodata, .data and .bss.
sections() {
    llvm-size --format=sysv "$BARE_IMAGES/$1" | awk '
        { size[$1] = $2 }
        END {
            text = size[".text"] + 0; rodata = size[".rodata"] + 0; data = size[".data"] + 0
            print size[".vector_table"] + text + rodata + data, text, rodata, data, size[".bss"] + 0
        }'
}

read -r empty _ <<<"$(sections empty)"
declare -A net
echo "$("$BARE_RUSTC" --version), $BARE_TARGET, opt-level z, fat LTO"
echo
echo '| image | flash over empty | .text | .rodata | .data | .bss |'
echo '|---|---:|---:|---:|---:|---:|'
row() { # IMAGE [REMARK]
    read -r flash text rodata data bss <<<"$(sections "$1")"
    net[$1]=$((flash - empty))
    echo "| \`$1\`${2:-} | ${net[$1]} | $text | $rodata | $data | $bss |"
}
for image in request-plain request-async request-post-json request-post-floats socket-plain socket-async \
    request-tls peer-reqwless; do
    row "$image"
done
bare_images -p firmware --bin socket-deflate --features permessage-deflate
row socket-deflate
# What more kinds of certificates cost.
for features in p384 ed25519 rsa; do
    bare_images -p tls --features "$features"
    row request-tls ", \`$features\`"
done
echo
# What holds today, and may only be lowered. The goal is to take less than the other client: docs/sizes.md.
limit=22680
plain=${net[request-plain]} peer=${net[peer-reqwless]}
if [ "$plain" -lt "$peer" ]; then
    echo "request-plain takes $((peer - plain)) bytes less than reqwless"
else
    echo "request-plain takes $((plain - peer)) bytes more than reqwless"
fi
if [ "$plain" -gt "$limit" ]; then
    echo "FAILED: request-plain takes $plain bytes, more than $limit"
    exit 1
fi
