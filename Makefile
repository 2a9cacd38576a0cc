# Parley. `make` lists the targets.

SHELL := /bin/bash
FUZZTIME ?= 30000x
BENCHTIME ?= 1s
BENCHCOUNT ?= 1
BENCHSTAT := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# Every module of the repository, the root first. $(call each,commands) runs
# commands in each of them and stops at the first that fails. They run without
# go.work, which would have all modules use the newest version that one asks for:
# the root asks for the oldest that work, and is tested with them.
MODULES := $(sort $(dir $(shell find . -name go.mod -not -path '*/testdata/*')))
each = set -euo pipefail; export GOWORK=off; for module in $(MODULES); do (echo "== $$module"; cd "$$module"; $(1)); done

.DEFAULT_GOAL := help
.PHONY: help test test-newest lint vet fuzz allocs bench bench-cluster bench-go

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Those of a broker take minutes, since they wait for leases to run out, and more on a slow
# machine.
test: ## Run all tests with the race detector
	@$(call each,go test -race -timeout 20m ./...)

# The versions go into a copy of go.mod; nothing in the tree is touched.
test-newest: ## Run the root's tests with the newest versions of what it asks for
	@set -euo pipefail; export GOWORK=off; copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	cp go.mod "$$copy/newest.mod"; cp go.sum "$$copy/newest.sum"; \
	for module in $$(go list -m -f '{{if not (or .Indirect .Main)}}{{.Path}}{{end}}' all); do \
		go get -modfile="$$copy/newest.mod" "$$module@upgrade"; \
	done; \
	go test -modfile="$$copy/newest.mod" ./...

lint: ## Run the linters of .golangci.yml
	@$(call each,go run $(GOLANGCI) run ./...)

vet: ## Vet for Linux, macOS and Windows
	@$(call each,for os in linux darwin windows; do echo $$os; GOOS=$$os go vet ./...; done)

# FUZZTIME is a number of runs: with a duration go test fails now and then, for
# no reason of ours (go.dev/issue/75804). What is found new is made small in few
# tries: it would take a minute each.
fuzz: ## Fuzz every target for FUZZTIME, 30000 runs unless told
	@$(call each,for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$package; \
		done; done)

allocs: ## Check what may not allocate, is inlined, and stays off the heap (not under the race detector)
	@$(call each,go test -count=1 -run '^TestAlloc' ./...)

bench: ## Measure beside the kit's peers, within ten minutes, into benchmarks/README.md
	@cd benchmarks && GOWORK=off go run ./load -write README.md -charts charts

bench-cluster: ## Measure two processes on one broker, within five minutes, into benchmarks/cluster.md
	@cd benchmarks && GOWORK=off go run ./load -cluster -write cluster.md -charts charts

# What is measured goes into a file of its own, so that a failure is seen and two of
# them can be compared: go run BENCHSTAT old new.
bench-go: ## Run the packages' benchmarks BENCHCOUNT times, and sum up with benchstat
	@set -euo pipefail; export GOWORK=off; figures=$$(mktemp); trap 'rm -f "$$figures"' EXIT; \
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -count $(BENCHCOUNT) -benchmem ./... | tee "$$figures"; \
	go run $(BENCHSTAT) "$$figures"
