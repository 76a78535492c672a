#!/usr/bin/env bash
# stack-depth.sh [ways]: proves what CORE-02 says of the stack. How deep can it get under each entry point, read from linked
# images, frame by frame? Fails where one is too deep, where something recurses that may not, and where it cannot be told
# who is called. With `ways` it prints the way down as well. Needs cargo, a compiler for the target (see lib/bare.sh), llvm
# and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/bare.sh
need llvm-objdump llvm
need python3 python3
bare_images -p firmware -p tls --bin entry-points --bin entry-points-tls
bare_images -p firmware --bin entry-points-deflate --features permessage-deflate
exec timeout 600 python3 -B tests/stages/stack_depth.py "$BARE_IMAGES" "$@"
