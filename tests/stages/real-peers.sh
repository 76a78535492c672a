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

requirements=tests/stages/httpbin-requirements.txt
venv="${CARGO_TARGET_DIR:-target}/stages/httpbin"
if ! cmp -s "$requirements" "$venv/installed.txt"; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv" >/dev/null 2>&1; then
        apt_install python3-venv || skip 'python3 has no venv, and it could not be installed (Debian: python3-venv)'
        python3 -m venv --clear "$venv"
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" ||
        skip 'pip could not install httpbin'
    cp "$requirements" "$venv/installed.txt"
fi

build_miniwire
exec timeout 600 python3 -B tests/stages/real_peers.py "$MINIWIRE" "$venv/bin/gunicorn"
