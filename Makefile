# Targets that people and CI use. `make help` lists them.
GO ?= go
CORPUS ?= ../shared/corpus
PEERS := .cache/peers
FUZZTIME ?= 5m
FUZZ ?= .
FUZZONEIN ?= 1

# The flags with which released Helm binaries are built (testdata/peers/README.md).
HELM3_LDFLAGS := -w -s -X helm.sh/helm/v3/internal/version.version=v3.22.0 \
	-X helm.sh/helm/v3/internal/version.gitTreeState=clean \
	-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=37 \
	-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37
HELM4_LDFLAGS := -w -s -X helm.sh/helm/v4/internal/version.version=v4.3.1 \
	-X helm.sh/helm/v4/internal/version.gitTreeState=clean

# The version that the control plane reports (testdata/cluster); clients refuse to parse the one of an unreleased build.
CLUSTER := .cache/cluster
CLUSTER_SOURCES := $(wildcard testdata/cluster/go.* testdata/cluster/*.go)
CLUSTER_LDFLAGS := -w -s -X k8s.io/component-base/version.gitVersion=v1.36.3 \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36

# The OCI registry that tests push to (testdata/registry).
REGISTRY := .cache/registry

# The S3 server that tests of buckets use (testdata/s3).
S3 := .cache/s3

# The definitions of kinds that routers of traffic have (testdata/crds).
CRDS := .cache/crds

.PHONY: help build test test-jenkins sweep sample lint bench bench-cluster bench-repo demo conformance fuzz docs peers cluster cluster-up crds registry s3 release vulncheck
help:
	@sed -n 's/^\([a-z-]*\): *.*## \(.*\)/\1\t\2/p' Makefile

build: ## build bin/slipway and bin/slipway-cluster
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/ ./cmd/slipway ./cmd/slipway-cluster

# What tests compare with and run against.
ORACLES = SLIPWAY_PEERS=$(CURDIR)/$(PEERS) SLIPWAY_CLUSTER=$(CURDIR)/$(CLUSTER) SLIPWAY_CRDS=$(CURDIR)/$(CRDS) \
	SLIPWAY_BIN=$(CURDIR)/bin SLIPWAY_REGISTRY=$(CURDIR)/$(REGISTRY) SLIPWAY_S3=$(CURDIR)/$(S3) SLIPWAY_SEED=$(SEED)

test: build peers sample cluster crds registry s3 ## run all tests, with the race detector, against real Helm binaries, a real control plane and a sample of CORPUS
	$(ORACLES) SLIPWAY_CORPUS=$(SAMPLED) $(GO) test -race -timeout 25m -parallel 6 ./...

sweep: build peers cluster crds registry s3 ## run all tests over all of CORPUS, and kill operations at every point
	$(ORACLES) SLIPWAY_CORPUS=$(abspath $(wildcard $(CORPUS))) SLIPWAY_SWEEP=all $(GO) test -timeout 3h -parallel 6 ./...

test-jenkins: build cluster ## run the Jenkins library and its examples on Groovy 2.4 (Debian's package) against a real control plane
	$(ORACLES) SLIPWAY_GROOVY=required SLIPWAY_SWEEP=all $(GO) test -count 1 -v ./cmd/jenkins

# One chart in twenty, another choice for each commit. Without a corpus the tests that need one are skipped.
SAMPLED = $(if $(wildcard $(CORPUS)),$(CURDIR)/.cache/sample)
SEED = $(shell git rev-parse --short HEAD)
sample:
	$(if $(wildcard $(CORPUS)),testdata/sample-corpus $(CORPUS) .cache/sample $(SEED) 20)

peers: $(PEERS)/helm3 $(PEERS)/helm4 ## build the Helm binaries that tests and benchmarks compare with

$(PEERS)/helm3: testdata/peers/helm3/go.mod testdata/peers/helm3/go.sum
	cd testdata/peers/helm3 && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(HELM3_LDFLAGS)" -o $(CURDIR)/$@ helm.sh/helm/v3/cmd/helm

$(PEERS)/helm4: testdata/peers/helm4/go.mod testdata/peers/helm4/go.sum
	cd testdata/peers/helm4 && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(HELM4_LDFLAGS)" -o $(CURDIR)/$@ helm.sh/helm/v4/cmd/helm

cluster: $(CLUSTER) ## build the Kubernetes control plane that tests use (some minutes with cold caches)

$(CLUSTER): $(CLUSTER_SOURCES)
	cd testdata/cluster && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(CLUSTER_LDFLAGS)" -o $(CURDIR)/$@ .

crds: $(CRDS) ## copy the definitions of the Gateway API's and Istio's kinds out of their Go modules

$(CRDS): testdata/crds/go.mod testdata/crds/go.sum
	rm -rf $@ && mkdir -p $@
	cd testdata/crds && $(GO) mod download sigs.k8s.io/gateway-api istio.io/api && \
		cp $$($(GO) list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard/*routes.yaml \
		$$($(GO) list -m -f '{{.Dir}}' istio.io/api)/kubernetes/customresourcedefinitions.gen.yaml $(CURDIR)/$@
	touch $@

registry: $(REGISTRY) ## build the OCI registry that tests use

$(REGISTRY): testdata/registry/go.mod testdata/registry/go.sum testdata/registry/main.go
	cd testdata/registry && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-w -s' -o $(CURDIR)/$@ .

s3: $(S3) ## build the S3 server that tests use

$(S3): testdata/s3/go.mod testdata/s3/go.sum testdata/s3/main.go
	cd testdata/s3 && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-w -s' -o $(CURDIR)/$@ .

cluster-up: $(CLUSTER) ## run a Kubernetes control plane until a signal; writes KUBECONFIG=FILE and prints `ready`
	@test "$(origin KUBECONFIG)" = 'command line' || { echo 'usage: make cluster-up KUBECONFIG=FILE'; exit 2; }
	@exec $(CLUSTER) up --kubeconfig '$(KUBECONFIG)'

lint: ## gofmt, go vet for Linux, macOS and Windows, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these files'; exit 1; }
	for os in linux darwin windows; do GOOS=$$os CGO_ENABLED=0 $(GO) build -trimpath -o /dev/null ./... && GOOS=$$os CGO_ENABLED=0 $(GO) vet -trimpath ./... || exit 1; done
	cd testdata/bench && $(GO) vet ./...
	cd testdata/tools && $(GO) build -o $(CURDIR)/.cache/staticcheck honnef.co/go/tools/cmd/staticcheck
	CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath" .cache/staticcheck ./...

fuzz: ## run every fuzz target (or those that match FUZZ, one in FUZZONEIN of them) for FUZZTIME
	GO=$(GO) testdata/fuzz-targets $(FUZZTIME) '$(FUZZ)' $(FUZZONEIN) $(SEED)

conformance: build peers ## hold the output over CORPUS and the project's charts against Helm's, byte by byte
	$(GO) run ./cmd/internal/conformance -slipway bin/slipway -peers $(PEERS) -corpus "$(wildcard $(CORPUS))" -charts testdata

bench: build peers ## figures against Helm v3.22.0 and v4.3.1 over CORPUS and a generated umbrella chart
	cd testdata/bench && $(GO) build -o $(CURDIR)/.cache/bench . && $(GO) build -o $(CURDIR)/.cache/peak ./peak
	.cache/bench -slipway bin/slipway -peers $(PEERS) -corpus "$(wildcard $(CORPUS))"

bench-cluster: build peers $(CLUSTER) ## figures against Helm v3.22.0 and v4.3.1 on a control plane; choose by BENCH='-rounds 3 -only near'
	cd testdata/bench && $(GO) build -o $(CURDIR)/.cache/bench-cluster ./cluster && $(GO) build -o $(CURDIR)/.cache/peak ./peak
	.cache/bench-cluster -corpus "$(wildcard $(CORPUS))" $(BENCH)

$(PEERS)/chartmuseum: testdata/peers/chartmuseum/go.mod testdata/peers/chartmuseum/go.sum
	cd testdata/peers/chartmuseum && CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-w -s -X main.Version=v0.16.3' -o $(CURDIR)/$@ helm.sh/chartmuseum/cmd/chartmuseum

bench-repo: build $(PEERS)/chartmuseum ## figures of chart repositories against Helm v3.22.0 and ChartMuseum v0.16.3, in one run; choose by BENCH='-sizes 10000 -rounds 3 -charts 0 -serve 0'
	cd testdata/bench && $(GO) build -o $(CURDIR)/.cache/bench-repo ./repo && $(GO) build -o $(CURDIR)/.cache/bench-repo-ours ./repo/ours
	.cache/bench-repo -corpus "$(wildcard $(CORPUS))" $(BENCH)

demo: build peers $(CLUSTER) ## launch releases by canary on a control plane of its own, and inspect them
	testdata/demo/run

release: ## make the files of release VERSION=v1.2.3 in dist; signed with KEYRING=FILE KEY=NAME
	$(GO) run ./cmd/internal/dist -version '$(VERSION)' -out dist -keyring '$(KEYRING)' -key '$(KEY)'

vulncheck: ## look the linked modules up in Go's database of vulnerabilities (needs that host)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

docs: ## write docs/cli, and the schema and the help of pipelines' parameters, from the commands
	$(GO) run ./cmd/internal/gendoc docs/cli
	$(GO) run ./cmd/internal/genparams docs/schema/params.v1.json cmd/jenkins/vars/slipway.txt
