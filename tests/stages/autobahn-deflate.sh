#!/usr/bin/env bash
# Proves SOCK-11 for cases 12 and 13 of the Autobahn test suite: compressed messages. `autobahn-deflate.sh all` runs every
# one of them, which takes several times as long. Needs what autobahn.sh needs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/autobahn.sh
cargo build --quiet --release --package miniwire-tests --example autobahn --features permessage-deflate \
    --target-dir "${CARGO_TARGET_DIR:-target}/deflate"
client="${CARGO_TARGET_DIR:-target}/deflate/release/examples/autobahn"
which=${1:-short}
limit=1100
if [ "$which" != short ]; then limit=5400; fi
exec timeout "$limit" python3 -B tests/stages/autobahn/run_deflate.py "$client" "$python2" "$(realpath "$suite/packages")" "$which"
