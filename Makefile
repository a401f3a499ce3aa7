# Each target runs over all modules of the repository: the toolkit, and what
# lives beside it in modules of its own.
MODULES := . es/kafka examples/bank bench vet/golangci

# The linters are run at fixed versions, outside the modules' own requirements.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

GOLANGCI := v2.15.0

FUZZTIME  ?= 30s
BENCHTIME ?= 1s
COUNT     ?= 5
SOAK      ?= 2m
EVENTS    ?= 1000000
# Of each package's tests. The generator's build a hundred modules, which takes minutes of two processors: go test's
# own 10m are not enough where others use the machine.
TIMEOUT   ?= 60m
POSTGRES  ?= 15 16 17 18

# The toolkit needs no cgo, which its tests prove. The race detector does, and so do some of the libraries
# that the benchmarks compare with: a C compiler is used for those alone, and takes a minute.
test check lint: export CGO_ENABLED = 0
race: MODULES := $(filter-out bench,$(MODULES))

each = @set -e; for m in $(MODULES); do (cd $$m && $(1)); done

.PHONY: help
help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: generate
generate: ## Write all generated code and the bank's catalogue of events anew
	$(call each,go generate ./...)
	cd examples/bank && go run github.com/esgen-go/esgen/cmd/esgen docs

.PHONY: test
test: ## Run all tests, fuzz targets on their corpus included
	$(call each,go test -timeout $(TIMEOUT) ./...)

.PHONY: test-postgres-all
test-postgres-all: ## Run the PostgreSQL store's tests against every version in POSTGRES, fetched if missing
	@set -e; for v in $(POSTGRES); do echo "== PostgreSQL $$v"; ESGEN_TEST_POSTGRES=$$v go test -count=1 ./es/postgres/...; done

.PHONY: soak-postgres
soak-postgres: ## Write from four processes for SOAK (default 2m) through a crash of the server, and compare
	go test -count=1 -v -timeout 0 -run '^TestProcessesWriteThroughACrashOfTheServer$$' ./es/postgres -soak $(SOAK)

.PHONY: soak-subscription
soak-subscription: ## Crash subscribers, owners and the server at random for SOAK (default 2m) under 16 writers, and compare
	go test -count=1 -v -timeout 0 -run '^TestEveryEventIsHandledInOrderThroughCrashesOfSubscribersOwnersAndServer$$' ./es/subscription -soak $(SOAK)

.PHONY: soak-projection
soak-projection: ## Kill what keeps the bank's read models, and the server, for SOAK (default 2m) under 16 writers, and compare to the cent
	cd examples/bank && go test -count=1 -v -timeout 0 -run '^TestBalancesAgreeToTheCentWithAReplayThroughCrashes$$' ./internal/readmodel -soak $(SOAK)

.PHONY: bench-rebuild
bench-rebuild: ## Rebuild the bank's balances from EVENTS events (default 1000000) while 8 writers go on, and compare
	cd examples/bank && go test -count=1 -v -timeout 0 -run '^TestARebuildUnderLoadEqualsAReplayAndReadsNeverStop$$' ./internal/readmodel -events $(EVENTS)

.PHONY: figures-subscription
figures-subscription: ## Measure a subscription's catch-up beside pgx over EVENTS (default 1,000,000), its memory and its latency
	go test -count=1 -v -timeout 0 -run '^TestFiguresOfDelivery$$' ./es/subscription -figures $(EVENTS)

.PHONY: race
race: ## Run the tests of what has goroutines with the race detector (needs a C compiler)
	$(call each,go test -timeout $(TIMEOUT) -race -short ./...)

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME each (default 30s)
	@FUZZTIME=$(FUZZTIME) ./.ci/fuzz $(MODULES)

.PHONY: bench
bench: ## Run the benchmarks with their comparisons, COUNT times BENCHTIME (benchstat reads the output)
	$(call each,go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -count $(COUNT) ./...)

.PHONY: bench-serial
bench-serial: ## Compare the serializers with those of other libraries, in CPU time, by benchstat
	@cd bench && out=$$(mktemp) && trap 'rm -f '$$out EXIT && \
	go test -run '^$$' -bench Serializers -benchtime $(BENCHTIME) -count $(COUNT) ./serial >$$out && \
	go tool benchstat -col /lib -filter '.unit:(cpu-ns/op OR allocs/op)' $$out

.PHONY: bench-store
bench-store: ## Compare the stores with those of other libraries, and with the bars of the design
	@cd bench && go test -run '^$$' -bench . -count $(COUNT) ./store

.PHONY: lint
lint: ## Check format, vet and staticcheck, and the bank with esgen vet
	@test -z "$$(gofmt -l .)" || { echo "gofmt -w these files:"; gofmt -l .; exit 1; }
	$(call each,go vet ./...)
	$(call each,go run $(STATICCHECK) ./...)
	cd examples/bank && go run github.com/esgen-go/esgen/cmd/esgen vet ./...

.PHONY: golangci
golangci: ## Build golangci-lint with esgen's plugin, and run it on a package with a fault (takes minutes)
	@./.ci/golangci $(GOLANGCI)

.PHONY: check
check: ## Check that generated code and the bank's catalogue of events are current
	$(call each,go run github.com/esgen-go/esgen/cmd/esgen -check ./...)
	cd examples/bank && go run github.com/esgen-go/esgen/cmd/esgen docs -check
