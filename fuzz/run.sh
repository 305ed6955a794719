#!/bin/sh
# Fuzzes each target for some seconds, beginning with the fixtures or with samples:
# run.sh [SECONDS [TARGET...]]
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-head chunked connection proxy forwarded ranges}

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

# What proxies say, and ranges, have no fixtures: a sample of each kind is enough.
sample() {
    case $1 in
        proxy)
            printf 'PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\nGET' > "$2/line"
            printf 'PROXY UNKNOWN\r\n' > "$2/unknown"
            printf '\r\n\r\n\000\r\nQUIT\n\041\021\000\023\300\000\002\001\306\063\144\001\022\147\001\273\003\000\004....GET' > "$2/block"
            printf '\r\n\r\n\000\r\nQUIT\n\040\000\000\000GET' > "$2/local"
            ;;
        forwarded)
            printf '192.0.2.1, [2001:db8::1]:80, 10.0.0.1:80, unknown' > "$2/list"
            printf 'for="[2001:db8::1]:80";proto=https;by=_x, for=10.0.0.1\nfor=unknown;x="\\"' > "$2/elements"
            ;;
        ranges)
            # Eight bytes of a size before the header.
            printf '\144\000\000\000\000\000\000\000bytes=0-9, 20-,-5' > "$2/several"
            printf '\144\000\000\000\000\000\000\000bytes=18446744073709551615-' > "$2/beyond"
            ;;
    esac
}

for target in $targets; do
    mkdir -p "fuzz/corpus/$target"
    case $target in
        proxy | forwarded | ranges) sample "$target" "fuzz/corpus/$target" ;;
        *)
            for fixture in tests/fixtures/http1/*/*.http; do
                seed "$target" "$fixture" > "fuzz/corpus/$target/$(basename "$fixture" .http)"
            done
            ;;
    esac
    cargo +nightly fuzz run --fuzz-dir fuzz "$target" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -dict=fuzz/http1.dict -print_final_stats=1
done
