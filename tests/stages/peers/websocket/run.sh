#!/usr/bin/env bash
# WebSocket servers that nobody here wrote: Python's websockets, Node's ws, nginx in front of both, tinyproxy.
#   run.sh --self-check    does a client that nobody here wrote get what they promise?
#   run.sh --install       only has them there
#   run.sh --hold          prints where they are as JSON, and serves until standard input ends, or for 15 minutes
# No stage by itself: ../../websocket-peers.sh is one. Needs nginx, tinyproxy, openssl, node with npm, python3 with venv (packages
# come into target/).
set -euo pipefail
cd "$(dirname "$0")/../../../.."
. tests/stages/lib/install.sh
need openssl openssl
need nginx nginx-light
need tinyproxy tinyproxy-bin
need python3 python3
need node nodejs
need npm npm

here=tests/stages/peers/websocket
peers="${CARGO_TARGET_DIR:-target}/stages/websocket"
python_venv "$peers/venv" "$here/requirements.txt"
if ! cmp -s "$here/package.json" "$peers/node/installed.json"; then
    rm -rf "$peers/node"
    mkdir -p "$peers/node"
    cp "$here/package.json" "$peers/node/package.json"
    npm install --prefix "$peers/node" --silent --no-audit --no-fund --ignore-scripts >/dev/null 2>&1 ||
        skip 'npm could not install ws'
    cp "$here/package.json" "$peers/node/installed.json"
fi

[ "${1:-}" != --install ] || exit 0
exec timeout 900 "$peers/venv/bin/python" -B tests/stages/websocket_peers.py "${1:---self-check}" "$peers"
