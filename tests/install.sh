#!/bin/sh
# Installs the programs that the tests use, where they are missing and this
# machine can install Debian packages. Without one, the tests that need it are
# listed as skipped.
set -u

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }

need cc gcc
need c++ g++
need nm binutils
need curl curl
need openssl openssl
need python3 python3
need node nodejs
need wrk wrk
need ab apache2-utils
need valgrind valgrind
need strace strace
need haproxy haproxy
need nginx nginx-light
need chromium chromium
need prometheus prometheus
need promtool prometheus
need ip iproute2
need systemd-analyze systemd

# A module of nginx, and no program.
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing="$missing libnginx-mod-stream"

[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "missing:$missing (install them as root; what needs them is skipped)"
    exit 0
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# One package at a time: one that is not to be had must not keep the others away.
apt-get -qq update >/dev/null || echo "apt-get update failed"
for package in $missing; do
    apt-get -qq install --yes --no-install-recommends "$package" >/dev/null 2>&1 || echo "could not install $package"
done
exit 0
