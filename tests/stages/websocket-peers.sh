#!/usr/bin/env bash
# The client's sockets against servers that nobody here wrote (Python's websockets, Node's ws, both behind nginx and
# tinyproxy): every size, random fragments, both directions at once, closes, pings, subprotocols, refusals; then for a while
# as much as goes through; then many idle sockets.
#   websocket-peers.sh [SECONDS [COUNT]]    how long the soak takes (20), and how many idle sockets there are (500)
# Needs what peers/websocket/run.sh needs, and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
command -v cargo >/dev/null || skip 'cargo is missing'
seconds=${1:-20} count=${2:-500}

cargo build --quiet --release --package miniwire-tests \
    --example websocket_peers --example websocket_soak --example idle_sockets
examples="${CARGO_TARGET_DIR:-target}/release/examples"

list=$(mktemp)
trap 'rm -f "$list"' EXIT
# The servers end when their standard input does: at the latest with this shell.
coproc PEERS { exec bash tests/stages/peers/websocket/run.sh --hold; }
read -r first <&"${PEERS[0]}" || skip 'the servers did not start'
case $first in SKIPPED*) skip "${first#SKIPPED: }" ;; esac
printf '%s\n' "$first" >"$list"

timeout 600 "$examples/websocket_peers" "$list"
timeout $((seconds + 120)) "$examples/websocket_soak" "$seconds" "$list"
exec {PEERS[1]}>&-

# A link each; more for some of them that are waited on.
ulimit -n $((count + 500)) 2>/dev/null || skip "no $((count + 500)) descriptors for the idle sockets"
for scheme in ws wss; do
    timeout 300 "$examples/idle_sockets" "$count" "$scheme"
done
