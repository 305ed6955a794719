#!/bin/sh
# Fuzzes each target for some seconds, beginning with the fixtures or with samples:
# run.sh [SECONDS [TARGET...]]
set -eu
cd "$(dirname "$0")/.."

seconds=${1:-60}
[ $# -eq 0 ] || shift
targets=${*:-head chunked connection proxy forwarded ranges front records enveloped}

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

# The same for those of uwsgi, SCGI and FastCGI: the first byte is the protocol.
seed_front() {
    case $2 in
        */uwsgi/*) protocol='\000' ;;
        */scgi/*) protocol='\001' ;;
        *) protocol='\002' ;;
    esac
    case $1 in
        front) printf "$protocol"'\005\000' && cat "$2" ;;
        enveloped) printf "$protocol"'\000\005\000' && cat "$2" ;;
    esac
}

# What proxies say, bodies in records, and ranges, have no fixtures: a sample of each kind is enough.
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
        records)
            # The length and the size of a piece before them.
            printf '\005\003\001\005\000\001\000\005\000\000hello\001\005\000\001\000\000\000\000next' > "$2/one"
            printf '\002\003\001\005\000\001\000\001\002\000app\001\005\000\001\000\001\000\000b\001\005\000\001\000\000\000\000' > "$2/two"
            printf '\005\003\001\005\000\001\000\001\000\000a\001\002\000\001\000\000\000\000' > "$2/given-up"
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
    words=http1
    case $target in
        proxy | forwarded | ranges) sample "$target" "fuzz/corpus/$target" ;;
        records) words=front && sample "$target" "fuzz/corpus/$target" ;;
        front | enveloped)
            words=front
            for fixture in tests/fixtures/fronts/*/*/*.packet; do
                kept=$(echo "${fixture#tests/fixtures/fronts/}" | tr / -)
                seed_front "$target" "$fixture" > "fuzz/corpus/$target/$kept"
            done
            ;;
        *)
            for fixture in tests/fixtures/http1/*/*.http; do
                seed "$target" "$fixture" > "fuzz/corpus/$target/$(basename "$fixture" .http)"
            done
            ;;
    esac
    cargo +nightly fuzz run --fuzz-dir fuzz "$target" -- \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 -dict="fuzz/$words.dict" -print_final_stats=1
done
