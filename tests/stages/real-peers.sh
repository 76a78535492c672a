#!/usr/bin/env bash
# `miniwire request` against servers and proxies that nobody here wrote: httpbin, nginx, tinyproxy, openssl, and ends
# that are dead. Needs nginx, tinyproxy, openssl, python3 with venv (httpbin comes by pip into target/) and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need openssl openssl
need nginx nginx-light
need tinyproxy tinyproxy-bin
need python3 python3

venv="${CARGO_TARGET_DIR:-target}/stages/httpbin"
python_venv "$venv" tests/stages/httpbin-requirements.txt

build_miniwire
exec timeout 600 python3 -B tests/stages/real_peers.py "$MINIWIRE" "$venv/bin/gunicorn"
