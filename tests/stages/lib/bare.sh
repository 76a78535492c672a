# shellcheck shell=bash
# Sourced by the stages that build for a chip without an operating system. No stage of its own.
#
# Most machines have no prebuilt core library for the target, so it is built from source: with the sources of rustup's
# compiler where they are installed (rust-src), else with Debian's rustc-web and rust-web-src.

BARE_TARGET=thumbv7em-none-eabihf

# bare_compiler: sets BARE_RUSTC to a compiler that has the sources of the core library beside it.
bare_compiler() {
    local rustc
    for rustc in "$(command -v rustc)" /usr/bin/rustc; do
        [ -x "$rustc" ] && [ -d "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core" ] || continue
        BARE_RUSTC=$rustc
        return
    done
    apt_install rustc-web rust-web-src || skip "no compiler for $BARE_TARGET: neither the component rust-src (rustup)" \
        "nor Debian's packages rustc-web and rust-web-src could be had"
    BARE_RUSTC=/usr/bin/rustc
}

# bare_linker: sets BARE_LINKER to an LLD.
bare_linker() {
    local found
    for found in "$(rustc --print sysroot 2>/dev/null)"/lib/rustlib/*/bin/rust-lld; do
        [ -x "$found" ] && BARE_LINKER=$found && return
    done
    need ld.lld lld
    BARE_LINKER=$(command -v ld.lld)
}

# bare_cargo ARGUMENT...: cargo build for the target, with a core library made small and nothing else: no alloc, no std.
bare_cargo() {
    RUSTC_BOOTSTRAP=1 RUSTC=$BARE_RUSTC CARGO_TARGET_DIR=$BARE_DIRECTORY cargo build --quiet --release --locked \
        -Zbuild-std=core -Zbuild-std-features=optimize_for_size --target "$BARE_TARGET" "$@"
}

# bare_program DIRECTORY ARGUMENT...: builds the images of a workspace that has a memory.x; sets BARE_IMAGES to where they
# are. They keep their relocations, and the sizes of their stack frames, which take no flash, so that it can be read from
# them who refers to what, and how deep that gets. BARE_FLAGS are flags of the compiler besides.
bare_program() {
    local directory flags
    directory=$(realpath "$1")
    shift
    bare_compiler
    bare_linker
    flags="-C linker=$BARE_LINKER -C link-arg=-L$directory -C link-arg=-Tlink.x -C link-arg=--nmagic"
    flags="$flags -C link-arg=--emit-relocs -Z emit-stack-sizes ${BARE_FLAGS:-}"
    (cd "$directory" && RUSTFLAGS="$flags" bare_cargo "$@")
    BARE_IMAGES=$BARE_DIRECTORY/$BARE_TARGET/release
}

# bare_images [ARGUMENT...]: builds tests/firmware, or what of it the arguments say; sets BARE_IMAGES to where the images
# are.
bare_images() {
    [ $# -gt 0 ] || set -- --workspace --bins
    bare_program tests/firmware "$@"
}

BARE_DIRECTORY=$(realpath -m "${CARGO_TARGET_DIR:-target}/bare")
command -v cargo >/dev/null || skip 'cargo is missing'
