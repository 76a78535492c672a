#!/usr/bin/env bash
# `miniwire upload` against readers of forms that nobody here wrote: Python's, two from PyPI, busboy, formidable, the one of
# fetch in Node, and nginx; a file of 4 GiB in constant memory; and files in trouble: a full disk, no permission, Ctrl-C,
# SIGKILL. Needs nginx, node with npm, python3 with venv (packages come into target/) and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need nginx nginx-light
need python3 python3
need node nodejs
need npm npm

peers="${CARGO_TARGET_DIR:-target}/stages/multipart"
python_venv "$peers/venv" tests/stages/multipart-requirements.txt
package=tests/stages/peers/node/package.json
if ! cmp -s "$package" "$peers/node/installed.json"; then
    rm -rf "$peers/node"
    mkdir -p "$peers/node"
    cp "$package" "$peers/node/package.json"
    npm install --prefix "$peers/node" --silent --no-audit --no-fund --ignore-scripts >/dev/null 2>&1 ||
        skip 'npm could not install the readers'
    cp "$package" "$peers/node/installed.json"
fi

build_miniwire
exec timeout 900 python3 -B tests/stages/multipart_peers.py "$MINIWIRE" "$peers"
