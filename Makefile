# make demo    builds and serves the example apps' front page
# make test    installs what the tests need, and runs them all
# make lint    formatting, clippy, documentation, packaging
# make proof   that reloads, upgrades and killed workers lose nothing that they need not: the
#              long form of tests that run in test too; prints the figures of docs/operations.md
# make bench   the server beside its peers: tables and charts of docs/PERFORMANCE.md;
#              ROUNDS=5 SECONDS=1 ONLY="gateway nginx" WORK="plain64 pipelined"
# make bench-files     files of a folder beside nginx: the table of docs/PERFORMANCE.md
# make bench-nginx     /plaintext through nginx by HTTP, FastCGI, uwsgi and SCGI, beside uWSGI:
#                      the table of docs/PERFORMANCE.md; ROUNDS=7 SECONDS=2 OVER=tcp
# make bench-inside    what calls, requests and look-ups cost, without peers
# make bench-check     instructions of a request, as CI holds them
# make bench-engines   the engines compared: table and charts of docs/engines.md
# make miri    the unsafe code under Miri (needs a nightly toolchain with miri)
# make fuzz    fuzzes HTTP/1, uwsgi, SCGI, FastCGI, what proxies say, and ranges, FUZZ_SECONDS for each target (needs a nightly toolchain)
# make spec    renders anew: docs/SPEC.md and docs/HTTP.md from their rule tables; from the flags
#              docs/configuration.md, the manual page and the completions

APP  ?= hello
BIND ?= 127.0.0.1:8000

.PHONY: all demo test lint proof bench bench-files bench-nginx bench-inside bench-check bench-engines fuzz miri spec shots c-hello install

all:
	cargo build --workspace

demo:
	cargo build --package gateway-server --package $(APP)
	@echo
	@echo "Open http://$(BIND)/ in a browser; Ctrl-C stops it."
	@echo
	target/debug/gateway-server --bind $(BIND) target/debug/lib$(subst -,_,$(APP)).so:app

c-hello:
	$(MAKE) -C example-apps/c-hello OUT=$(CURDIR)/target/debug

install:
	@sh tests/install.sh

test: install
	@rm -f target/skipped.txt
	cargo build --workspace
	cargo test --workspace --all-features
	@if [ -s target/skipped.txt ]; then echo; echo "Skipped here:"; sort -u target/skipped.txt; fi

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --quiet
	cargo package --package gateway-spec --allow-dirty --quiet

proof: install
	PROOF=long cargo test --release --package gateway-tests --test integration proof:: -- --nocapture --test-threads=1

ROUNDS  ?= 5
SECONDS ?= 1
ONLY    ?=
WORK    ?=
OVER    ?= unix

bench:
	@sh tests/bench/run.sh compare rounds=$(ROUNDS) seconds=$(SECONDS) only="$(ONLY)" work="$(WORK)"

bench-files:
	@sh tests/bench/run.sh files $(ROUNDS) $(SECONDS)

bench-nginx: ROUNDS = 7
bench-nginx: SECONDS = 2
bench-nginx:
	@sh tests/bench/run.sh nginx rounds=$(ROUNDS) seconds=$(SECONDS) over=$(OVER)

bench-inside:
	@sh tests/bench/run.sh

bench-check:
	@sh tests/bench/run.sh check

bench-engines:
	@sh tests/bench/run.sh engines

miri:
	MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --package gateway-spec --test abi --test trust
	MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --package gateway-server --lib exchange
	MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --package gateway-server --lib sys::

FUZZ_SECONDS ?= 60

fuzz:
	@sh fuzz/run.sh $(FUZZ_SECONDS)

spec:
	cargo run --quiet --package gateway-spec --example render-spec > docs/SPEC.md
	cargo run --quiet --package gateway-server --example render-http > docs/HTTP.md
	cargo run --quiet --package gateway-server --example render-config docs

# The pictures in docs/, taken by headless Chromium.
shots:
	UPDATE_SHOTS=1 cargo test --package gateway-tests --test integration browser_
