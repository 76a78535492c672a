#!/usr/bin/env bash
# Proves SOCK-11 for cases 1 to 7, 9 and 10. The core's WebSocket against the Autobahn test suite: cases 1 to 7, 9 and 10. Needs Python 2.7 with pip (pyenv's is
# found; the suite comes by pip into target/), python3 and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/autobahn.sh
cargo build --quiet --release --package miniwire-tests --example autobahn
client="${CARGO_TARGET_DIR:-target}/release/examples/autobahn"
exec timeout 1100 python3 -B tests/stages/autobahn/run.py "$client" "$python2" "$(realpath "$suite/packages")"
