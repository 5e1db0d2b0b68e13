# Everything is done by one Go program, internal/tools/check: it needs Go, make and git, and nothing else.
# Programs that it builds are kept in your cache folder; nothing is installed system-wide.

CHECK = GOWORK=off go run -C internal/tools ./check

help: ## say what can be made
	@echo 'make TARGET, where TARGET is'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' Makefile

test: ## all that must hold: tidy, vet, lint, the tests with -race, known vulnerabilities (V=1: a line for each test)
	@$(CHECK) test

lint: ## gofmt, golangci-lint, staticcheck and the rules of the house
	@$(CHECK) lint

vet: ## go vet, also for windows, darwin and linux/386
	@$(CHECK) vet

fmt: ## format every file
	@$(CHECK) fmt

tidy: ## compare each go.mod and go.sum with what the code imports
	@$(CHECK) tidy

vuln: ## look for known vulnerabilities
	@$(CHECK) vuln

bench: ## the benchmarks (BENCH=regexp, COUNT=n; OLD=old.out compares with an earlier run's bench.out)
	@$(CHECK) bench

fuzz: ## every fuzz target for FUZZTIME (1m)
	@$(CHECK) fuzz

soak: ## a storm of CALLS (200000) calls, each of them accounted for (SEED=n repeats one)
	@$(CHECK) soak

cover: ## which statements the tests reach
	@$(CHECK) cover

gosuite: ## send the tests of Go's own net/http through the kit, all chains and all tests (test has a part of it)
	@$(CHECK) gosuite

deps: ## build now what test builds when it first needs it, or leaves out: linters, servers that tests talk to
	@$(CHECK) deps

.PHONY: help test lint vet fmt tidy vuln bench fuzz soak cover gosuite deps
