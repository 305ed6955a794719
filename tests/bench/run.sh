#!/bin/sh
# Builds what some figures need, and prints them:
#
#   run.sh compare [KEY=VALUE...]   the server beside its peers (make bench)
#   run.sh files [ROUNDS [SECONDS]] files of a folder, beside nginx
#   run.sh nginx [KEY=VALUE...]     answers through nginx, beside uWSGI
#   run.sh engines [NAME...]        the engines side by side
#   run.sh check [update]           instructions of our server, as CI holds them
#   run.sh                          all figures of the inside: times,
#                                   instructions, allocations, system calls
#
# A tool that is missing is installed where that is possible (Debian, as root);
# else its figures are skipped, and that is said.
set -eu
cd "$(dirname "$0")/../.."

# Installs programs that are not here: packages are named as their programs. Of a word
# with "=", what is before it is the file that the package brings.
need() {
    missing=""
    for tool in "$@"; do
        command -v "${tool%%=*}" >/dev/null || [ -e "${tool%%=*}" ] || missing="$missing ${tool#*=}"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq >/dev/null || true
        # RUNLEVEL: nothing that is installed here is started as a service.
        # shellcheck disable=SC2086
        RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
            echo "not installed:$missing" >&2
    else
        echo "not installed, which takes root and apt-get:$missing" >&2
    fi
}

# One of the servers that Python comes with; why not, if not.
python_peer() {
    name=$1
    line=$(grep -i "^$name==" tests/bench/peers/python/requirements.txt)
    why=target/bench/skipped-$name
    rm -f "$why"
    if ! [ -x target/peers/python/bin/pip ]; then
        echo "there is no python3 with venv" > "$why"
        return 0
    fi
    # pip is asked only where another version is wanted than was installed.
    [ "$(cat "target/peers/python/$name" 2>/dev/null)" = "$line" ] && return 0
    if target/peers/python/bin/pip install --quiet --disable-pip-version-check "$line" 2>target/bench/pip.log; then
        echo "$line" > "target/peers/python/$name"
    else
        echo "pip install $line: $(grep -i error target/bench/pip.log | tail -1)" > "$why"
    fi
}

peers() {
    mkdir -p target/peers target/bench
    cargo build --quiet --release --locked --manifest-path tests/bench/peers/Cargo.toml --target-dir target/peers
    if command -v python3 >/dev/null && ! [ -x target/peers/python/bin/pip ]; then
        python3 -m venv target/peers/python || echo "python3 -m venv failed" >&2
    fi
    for name in uwsgi gunicorn granian; do
        python_peer "$name"
    done
}

case ${1:-} in
    compare) need valgrind wrk nginx && peers ;;
    files) need wrk nginx curl ;;
    nginx)
        need wrk nginx
        need uwsgi-core
        need /usr/lib/uwsgi/plugins/python3_plugin.so=uwsgi-plugin-python3
        ;;
    check) need valgrind ;;
    engines) need wrk ;;
    *) need valgrind wrk strace ;;
esac

packages="-p gateway-server -p gateway-bench -p bench"
[ "${1:-}" = check ] || packages="$packages -p hello"
# shellcheck disable=SC2086
cargo build --quiet --release $packages
exec target/release/gateway-bench "$@"
