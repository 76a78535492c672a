#!/usr/bin/env bash
# Proves SOCK-11 for cases 12 and 13 of the Autobahn test suite: compressed messages.
#   autobahn-deflate.sh             48 of the 216 cases, over the client's socket
#   autobahn-deflate.sh all         every case, which takes up to half an hour
#   autobahn-deflate.sh 12.3        the 18 cases of one group
#   autobahn-deflate.sh all core    the same over the core's WebSocket
# Needs what autobahn.sh needs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/autobahn.sh
cargo build --quiet --release --package miniwire-tests --example autobahn --example autobahn_socket \
    --features permessage-deflate
examples="${CARGO_TARGET_DIR:-target}/release/examples"
which=${1:-short} over=${2:-socket}
limit=1100
if [ "$which" != short ]; then limit=5400; fi
exec timeout "$limit" python3 -B tests/stages/autobahn/run_deflate.py "$examples/autobahn" "$examples/autobahn_socket" \
    "$python2" "$(realpath "$suite/packages")" "$which" "$over"
