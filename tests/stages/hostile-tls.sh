#!/usr/bin/env bash
# What openssl's own server can do under TLS at any moment: negotiate anew, change keys, fall silent, send an alert. Each
# call ends in time with the right code. Needs openssl, python3 and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need openssl openssl
need python3 python3
build_miniwire
exec timeout 300 python3 -B tests/stages/hostile_tls.py "$MINIWIRE"
