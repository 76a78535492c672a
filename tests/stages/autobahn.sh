#!/usr/bin/env bash
# Proves SOCK-11 for cases 1 to 7, 9 and 10. The core's WebSocket against the Autobahn test suite: cases 1 to 7, 9 and 10. Needs Python 2.7 with pip (pyenv's is
# found; the suite comes by pip into target/), python3 and cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need python3 python3
command -v cargo >/dev/null || skip 'cargo is missing'

# The suite runs on nothing newer.
find_python2() {
    local candidate root
    root=$(pyenv root 2>/dev/null || true)
    for candidate in python2.7 "${root:-none}"/versions/2.7.*/bin/python2.7; do
        if "$candidate" -m pip --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}
python2=$(find_python2) || skip 'there is no Python 2.7 with pip (pyenv install 2.7.18)'

requirements=tests/stages/autobahn/requirements.txt
suite="${CARGO_TARGET_DIR:-target}/stages/autobahn"
if ! cmp -s "$requirements" "$suite/installed.txt"; then
    rm -rf "$suite"
    mkdir -p "$suite"
    # The list is complete.
    "$python2" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
        --target "$suite/packages" --requirement "$requirements" 2>"$suite/pip.log" ||
        { tail -n 5 "$suite/pip.log"; skip 'pip could not install the Autobahn test suite'; }
    cp "$requirements" "$suite/installed.txt"
fi

cargo build --quiet --release --package miniwire-tests --example autobahn
client="${CARGO_TARGET_DIR:-target}/release/examples/autobahn"
exec timeout 1100 python3 -B tests/stages/autobahn/run.py "$client" "$python2" "$(realpath "$suite/packages")"
