#!/usr/bin/env bash
# sizes.sh [all]: the flash and RAM of programs that make a call, in a table, and beside them the same jobs through other
# libraries. Fails where the plainest take more than they may. With `all`, also what more kinds of certificates cost, each
# of which is another image with TLS. Needs cargo, a compiler for the target (see lib/bare.sh) and llvm.
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
for image in request-plain request-async request-post-json request-post-floats files-plain socket-plain socket-async \
    ws-plain request-tls socket-tls peer-reqwless peer-embedded-websocket; do
    row "$image"
done
bare_images -p firmware --bin socket-deflate --features permessage-deflate
row socket-deflate
bare_images -p peer --bin peer-reqwless-tls --features verified
row peer-reqwless-tls ', verified'
bare_images -p peer --bin peer-reqwless-tls --features tls
row peer-reqwless-tls ', unverified'
if [ "${1:-}" = all ]; then
    # What is compared below is the image without them.
    plain=${net[request-tls]}
    for features in p384 ed25519 rsa; do
        bare_images -p tls --features "$features"
        row request-tls ", \`$features\`"
    done
    net[request-tls]=$plain
fi
echo
status=0
# compare IMAGE PEER LIMIT: less than the other library takes, and no more than holds today, which may only be lowered.
compare() {
    local ours=${net[$1]} peer=${net[$2]}
    echo "$1 takes $ours bytes, $2 takes $peer: $((peer - ours)) more"
    if [ "$ours" -ge "$peer" ] || [ "$ours" -gt "$3" ]; then
        echo "FAILED: $1 takes $ours bytes; less than $peer, and no more than $3, are wanted"
        status=1
    fi
}
compare request-plain peer-reqwless 22600
compare ws-plain peer-embedded-websocket 10500
compare request-tls peer-reqwless-tls 90000
compare socket-tls peer-reqwless-tls 97600
echo "peer-reqwless and peer-embedded-websocket together, nothing shared: $((net[peer-reqwless] + net[peer-embedded-websocket]))"
exit "$status"
