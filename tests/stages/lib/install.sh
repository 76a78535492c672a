# shellcheck shell=bash
# Sourced by the stages: how they get what they need. No stage of its own.

# skip WHY: says so and ends the stage, successfully.
skip() {
    echo "SKIPPED: $*"
    exit 0
}

# need COMMAND PACKAGE: finds the command, or installs Debian's package, or skips the stage.
need() {
    case ":$PATH:" in *:/usr/sbin:*) ;; *) PATH="$PATH:/usr/sbin:/sbin" ;; esac
    command -v "$1" >/dev/null && return
    apt_install "$2" && command -v "$1" >/dev/null && return
    skip "$1 is missing and could not be installed (Debian's package $2)"
}

# apt_install PACKAGE...: as root on Debian; fails elsewhere. Services that the packages bring are not started.
apt_install() {
    command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] || return 1
    local policy=/usr/sbin/policy-rc.d own=no status
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && own=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt_get_install "$@"
    status=$?
    [ "$own" = yes ] && rm -f "$policy"
    return "$status"
}

apt_get_install() {
    local options=(-qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends)
    apt-get install "${options[@]}" "$@" </dev/null >/dev/null 2>&1 && return
    # The lists may be missing or old.
    apt-get update -qq </dev/null >/dev/null 2>&1
    apt-get install "${options[@]}" "$@" </dev/null >/dev/null
}

# python_venv DIRECTORY REQUIREMENTS: a virtual environment with what the file lists, made again where that has changed.
python_venv() {
    cmp -s "$2" "$1/installed.txt" && return
    rm -rf "$1"
    if ! python3 -m venv "$1" >/dev/null 2>&1; then
        apt_install python3-venv || skip 'python3 has no venv, and it could not be installed (Debian: python3-venv)'
        python3 -m venv --clear "$1"
    fi
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2" ||
        skip "pip could not install what $2 lists"
    cp "$2" "$1/installed.txt"
}

# build_miniwire: the program, in release; sets MINIWIRE to its path.
build_miniwire() {
    command -v cargo >/dev/null || skip 'cargo is missing'
    cargo build --quiet --release --package miniwire-std --features cli --bin miniwire || exit 1
    MINIWIRE="${CARGO_TARGET_DIR:-target}/release/miniwire"
    export MINIWIRE
}
