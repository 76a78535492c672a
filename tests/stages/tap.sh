#!/usr/bin/env bash
# The board's client over a real network: embassy-net on a TAP, and at its other end the kernel's TCP, dnsmasq (DHCP and
# DNS), nginx, httpbin, Python's websockets and Node's ws, and `miniwire serve`, all in a network namespace of their own.
# What miniwire-std does with the same servers must be the same. Then over a line that loses, doubles and reorders frames,
# which the client's end of the wire does by a seed: not every kernel has netem.
# With a part of a name as an argument, such as 'seed 1: websockets', only what has it in its name.
# Needs root or user namespaces, /dev/net/tun, ip, unshare, dnsmasq, nginx, tinyproxy, openssl, node with npm, python3 with
# venv (packages come into target/) and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need unshare util-linux
need ip iproute2
need dnsmasq dnsmasq-base
need python3 python3

# A network of its own, as root or as who is root in a namespace only.
network=()
for way in "unshare --mount --net" "unshare --user --map-root-user --mount --net"; do
    if $way true 2>/dev/null; then
        read -ra network <<<"$way"
        break
    fi
done
[ "${#network[@]}" -gt 0 ] || skip 'no network namespaces, neither as root nor by user namespaces'
"${network[@]}" ip tuntap add dev tap0 mode tap 2>/dev/null || skip 'no TAP can be made: /dev/net/tun is missing or closed'

bash tests/stages/peers/websocket/run.sh --install
peers="${CARGO_TARGET_DIR:-target}/stages/websocket"
[ -e "$peers/node/installed.json" ] || skip 'the WebSocket servers could not be installed'
python_venv "${CARGO_TARGET_DIR:-target}/stages/httpbin" tests/stages/httpbin-requirements.txt

build_miniwire
cargo build --quiet --release --package miniwire-tests --features tap --example tap
tap="${CARGO_TARGET_DIR:-target}/release/examples/tap"
exec timeout 900 "${network[@]}" --fork --kill-child "$peers/venv/bin/python" -B tests/stages/tap.py \
    "$MINIWIRE" "$tap" "$peers" "${CARGO_TARGET_DIR:-target}/stages/httpbin/bin/gunicorn" "$@"
