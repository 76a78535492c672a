#!/usr/bin/env bash
# Proves SOCK-11 for cases 1 to 7, 9 and 10 of the Autobahn test suite: the core's WebSocket with two sizes of buffers, the
# client's socket, and the client's socket over TLS with cases 1 to 7. Needs Python 2.7 with pip (pyenv's is found; the suite
# comes by pip into target/), python3, nginx, openssl and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
. tests/stages/lib/autobahn.sh
need openssl openssl
need nginx nginx-light
cargo build --quiet --release --package miniwire-tests --example autobahn --example autobahn_socket
examples="${CARGO_TARGET_DIR:-target}/release/examples"
exec timeout 1100 python3 -B tests/stages/autobahn/run.py "$examples/autobahn" "$examples/autobahn_socket" "$python2" "$(realpath "$suite/packages")"
