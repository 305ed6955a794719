#!/bin/sh
# Fuzzes each target for some seconds, beginning with the fixtures:
# run.sh [SECONDS [TARGET...]]
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-head chunked connection}

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "make fuzz: there is no nightly toolchain: rustup toolchain install nightly" >&2
    exit 1
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "make fuzz: installing cargo-fuzz"
    cargo install --locked cargo-fuzz
fi

# The fixtures are the seeds: in git they stand once, for all their readers. The
# bytes before them choose how they are split, and what the app does.
seed() {
    case $1 in
        head) printf '\005\000' && cat "$2" ;;
        chunked) printf '\003' && LC_ALL=C sed '1,/^\r$/d' "$2" ;;
        connection) printf '\004\005\000' && cat "$2" ;;
    esac
}

for target in $targets; do
    mkdir -p "fuzz/corpus/$target"
    for fixture in tests/fixtures/http1/*/*.http; do
        seed "$target" "$fixture" > "fuzz/corpus/$target/$(basename "$fixture" .http)"
    done
    cargo +nightly fuzz run --fuzz-dir fuzz "$target" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -dict=fuzz/http1.dict -print_final_stats=1
done
