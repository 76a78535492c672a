#!/usr/bin/env bash
# Certificates by openssl, served by nginx and by openssl's own server: the good ones pass, each bad one is refused with
# code 19 and the exact reason. Needs openssl, nginx, python3 and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need openssl openssl
need nginx nginx-light
need python3 python3
build_miniwire
exec timeout 600 python3 -B tests/stages/certificates.py "$MINIWIRE"
