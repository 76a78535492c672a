#!/usr/bin/env bash
# Proves the first sentence of CORE-02. Is there panicking code in the linked images? None of the project's own is let
# pass; what dependencies bring is counted against a list that may only shrink. Needs cargo, a compiler for the target (see
# lib/bare.sh), llvm and python3.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/bare.sh
need llvm-symbolizer llvm
need python3 python3
# With a handler that does nothing, one panic is as good as another, and the compiler would make them one function.
BARE_FLAGS='-Z merge-functions=disabled'
bare_images
bare_images -p firmware --bin socket-deflate --features permessage-deflate
bare_program transport-embassy/firmware --bins
exec timeout 600 python3 -B tests/stages/no_panic.py "$BARE_IMAGES"
