#!/usr/bin/env bash
# Names that do not resolve, lie, loop, or never come: the system's resolver asks a DNS server of the stage's own, in
# namespaces of the stage's own (root on Linux). Each call ends in time with the right code. Needs unshare, ip, python3
# and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need unshare util-linux
need ip iproute2
need python3 python3
unshare --mount --net true 2>/dev/null || skip 'namespaces of its own need root on Linux'
build_miniwire
# In there: loopback only, and the DNS server is ours.
# shellcheck disable=SC2016
exec timeout 300 unshare --mount --net --fork --kill-child bash -c '
    set -e
    ip link set lo up
    work=$(mktemp -d)
    trap "rm -rf $work" EXIT
    printf "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n" >"$work/resolv.conf"
    printf "hosts: files dns\n" >"$work/nsswitch.conf"
    mount --bind "$work/resolv.conf" /etc/resolv.conf
    if [ -e /etc/nsswitch.conf ]; then mount --bind "$work/nsswitch.conf" /etc/nsswitch.conf; fi
    python3 -B tests/stages/hostile_dns.py "$1"
' stage "$MINIWIRE"
