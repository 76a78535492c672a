#!/usr/bin/env bash
# Firmware that runs: images for a Cortex-M4F with Ethernet, in QEMU, against `miniwire serve` on the loopback interface.
# The board makes the calls of `miniwire tour`, and each must bring what it brings on the desktop. Prints flash, static
# RAM, stack and the sizes of futures. Needs cargo, a compiler for the target (see lib/bare.sh), llvm, qemu-system-arm and
# python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/bare.sh
need python3 python3
need qemu-system-arm qemu-system-arm
need llvm-size llvm
bare_program transport-embassy/firmware --bins
build_miniwire

echo "$("$BARE_RUSTC" --version), $BARE_TARGET, opt-level z, fat LTO"
for image in tour ram; do
    llvm-size --format=sysv "$BARE_IMAGES/$image" | awk -v image="$image" '
        { size[$1] = $2 }
        END {
            flash = size[".vector_table"] + size[".text"] + size[".rodata"] + size[".data"]
            print image ": " flash " bytes of flash, " size[".data"] + size[".bss"] + size[".uninit"] " of static RAM, no heap"
        }'
done
exec timeout 600 python3 -B tests/stages/board.py "$MINIWIRE" "$BARE_IMAGES"
