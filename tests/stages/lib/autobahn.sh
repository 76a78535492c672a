# shellcheck shell=bash
# Sourced, after install.sh, by the stages that run the Autobahn test suite: installs it, or skips the stage. Sets `python2`, and
# `suite` to where it is.
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
