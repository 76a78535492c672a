#!/bin/sh
# What takes long, built for release: a gibibyte in constant memory, 200,000 calls in constant memory, and what a call
# costs beside a raw socket, and a listener beside none.
set -eu
if [ ! -r /proc/thread-self/schedstat ]; then
    echo "SKIPPED: memory and CPU time are read from Linux's /proc"
    exit 0
fi
cd "$(dirname "$0")/../.."
cargo build --quiet --release -p miniwire-tests --example soak
soak="${CARGO_TARGET_DIR:-target}/release/examples/soak"
for what in stream loop cost progress; do
    timeout 600 "$soak" "$what"
done
