# The ways in. Each target does its own set-up and says what it is doing.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Cases of the property tests of reviews and frames; `make fuzz N=1000000` for more.
N ?= 20000

.PHONY: help demo test unit scenarios lint docs crds pages bench fuzz histories mutants up down tools

help: ## Lists the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

tools:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.95 or newer (https://rustup.rs)"; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: apt-get install gcc"; exit 1; }

demo: tools ## Three clusters come up on a real Kubernetes on this machine, a client uses them, a bad manifest is refused
	@echo "building the program that starts everything (a minute the first time)"
	@cargo run --quiet --locked --package cluster -- demo

test: unit ## Everything that CI tests: unit, property, webhook, TLS and process tests, then the most important scenarios
	@echo "== the most important scenarios on a real Kubernetes"
	@cargo run --quiet --locked --package cluster --bin scenarios -- --always

unit: tools
	@echo "== unit, property, webhook, TLS and process tests"
	@FUZZ_CASES=$(N) cargo test --quiet --locked --workspace
	@echo "== $(N) frames of info and administration"
	@PROPTEST_CASES=$(N) cargo test --quiet --locked --lib make_it_panic

scenarios: tools ## All scenarios on a real Kubernetes
	@echo "== all scenarios on a real Kubernetes"
	@cargo run --quiet --locked --package cluster --bin scenarios

lint: tools ## Format, lints
	@cargo fmt --all --check
	@cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

docs: tools ## The documentation of the code, every warning an error
	@RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps

crds: tools ## Writes crds/ anew from the types
	@cargo run --quiet --locked --bin aerospike-operator -- crds > crds/aerospikeclusters.asdb.aerospike.com.yaml.new
	@mv crds/aerospikeclusters.asdb.aerospike.com.yaml.new crds/aerospikeclusters.asdb.aerospike.com.yaml

pages: tools ## Writes the generated pages of docs/ anew
	@cargo run --quiet --locked --bin aerospike-operator -- docs docs

bench: tools ## Measures speed and memory, and writes BENCHMARKS.md
	@cargo run --quiet --locked --release --package cluster --bin bench

fuzz: tools ## N mutated and random objects as reviews, N random frames of info and administration
	@FUZZ_CASES=$(N) cargo test --quiet --locked --release --test fuzz_reviews -- --nocapture
	@PROPTEST_CASES=$(N) cargo test --quiet --locked --release --lib aerospike::
	@PROPTEST_CASES=$(N) cargo test --quiet --locked --release --package simulator --lib wire::

histories: tools ## N histories of clusters with faults, SEED=… for the same ones again (with N=1: a single one), EDITS=size for no edits but of the number of pods and racks
	@HISTORIES=$(N) SEED=$(SEED) EDITS=$(EDITS) cargo test --quiet --locked --profile histories --lib world::histories -- --nocapture

mutants: tools ## Changes the plan's code in 60 places, SEED=… for the same ones again, and counts which changes the tests notice
	@SEED=$(SEED) tests/mutants.sh

up: tools ## Starts the test cluster, with the operator in it
	@cargo run --quiet --locked --package cluster -- up
	@cargo run --quiet --locked --package cluster -- images
	@cargo run --quiet --locked --package cluster -- install

down: tools ## Ends the test cluster and removes all that it made
	@cargo run --quiet --locked --package cluster -- down
