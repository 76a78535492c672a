#!/usr/bin/env bash
# Proves CORE-01. Does the core build for a chip without an operating system, an allocator or std, and is it so when it is linked? Needs
# cargo, a compiler for the target (see lib/bare.sh) and llvm.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/bare.sh
need llvm-nm llvm

# Where the target is installed, its prebuilt core library is used as anybody's build would.
if rustup target list --installed 2>/dev/null | grep -qx "$BARE_TARGET"; then
    CARGO_TARGET_DIR=$BARE_DIRECTORY cargo build --quiet --release --locked -p miniwire-core --target "$BARE_TARGET"
    echo "miniwire-core builds for $BARE_TARGET with $(rustc --version)"
fi
bare_compiler
# No other library is built than core, so there is no alloc and no std to be found.
bare_cargo -p miniwire-core
echo "miniwire-core builds for $BARE_TARGET on nothing but core with $("$BARE_RUSTC" --version)"
# The client for a board, with embassy-net and TLS.
bare_cargo -p miniwire-embassy --features ipv6,p384,ed25519,rsa
echo "miniwire-embassy builds for $BARE_TARGET on nothing but core"
bare_images

failed=0
for file in "$BARE_DIRECTORY/$BARE_TARGET"/release/libminiwire_{core,embassy}.rlib \
    "$BARE_IMAGES"/{request-plain,request-post-json,request-async}; do
    symbols=$(llvm-nm --demangle "$file" 2>/dev/null)
    # What comes in both manglings: an allocator's entry points, and anything of the two libraries.
    if grep -E '__rust_(no_)?(alloc|dealloc|realloc)|__rg_|__rdl_|\b(alloc|std)::' <<<"$symbols"; then
        echo "FAILED: ${file##*/} refers to an allocator or to std"
        failed=1
    else
        echo "${file##*/}: $(wc -l <<<"$symbols") symbols, none of an allocator or of std"
    fi
done
exit "$failed"
