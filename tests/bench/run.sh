#!/bin/sh
# Builds what the figures need and prints them all: times, instructions,
# allocations, system calls, throughput. A tool that is missing is installed
# where that is possible (Debian, as root); else its figures are skipped, and
# that is said.
set -eu
cd "$(dirname "$0")/../.."

missing=""
for tool in valgrind wrk strace; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086
    apt-get install -y -qq $missing >/dev/null || echo "not installed:$missing" >&2
fi

cargo build --quiet --release -p gateway-server -p gateway-bench -p hello -p bench
exec cargo run --quiet --release -p gateway-bench -- "$@"
