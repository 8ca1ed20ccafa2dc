# The modules of this repository; tools has no code of its own.
MODULES := . charmotel internal/yamltest examples/magpie
BIN := $(CURDIR)/bin

.PHONY: test check bench fuzz
.DEFAULT_GOAL := test

# All tests of all modules. Needs Go and nothing else.
test:
	@set -e; for m in $(MODULES); do echo "go test ./... # in $$m"; (cd $$m && go test ./...); done

# What CI runs besides: format, vet, staticcheck, tidy modules, the race detector (needs gcc).
check: $(BIN)/staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	@set -e; for m in $(MODULES) tools; do echo "go mod tidy -diff # in $$m"; (cd $$m && go mod tidy -diff); done
	@set -e; for m in $(MODULES); do echo "vet, staticcheck, race # in $$m"; (cd $$m && go vet ./... && $(BIN)/staticcheck ./... && CGO_ENABLED=1 go test -race ./...); done

$(BIN)/staticcheck: tools/go.mod tools/go.sum
	cd tools && go build -o $@ honnef.co/go/tools/cmd/staticcheck

# The table of what a dispatch costs, and the benchmarks within one process.
bench:
	go run ./bench
	go test -run '^$$' -bench . ./...

# Every fuzz test in turn, for FUZZTIME each.
FUZZTIME ?= 1m
fuzz:
	@set -e; for m in $(MODULES); do (cd $$m && for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 50x $$p; done; done); done
