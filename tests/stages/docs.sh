#!/usr/bin/env bash
# Are the documents true? Links, the table of conformance, the commands, no path of somebody's machine; of the doc comments,
# that a public future says what becomes of it when it is dropped, and that examples are where they are seen. Needs python3, and
# cargo for the commands.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/stages/lib/install.sh
need python3 python3
exec timeout 600 python3 -B tests/stages/check_docs.py
