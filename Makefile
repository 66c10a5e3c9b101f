# Targets that people and CI use. `make help` lists them.
GO ?= go
CORPUS ?= ../shared/corpus
PEERS := .cache/peers
FUZZTIME ?= 5m

# The flags with which released Helm binaries are built (testdata/peers/README.md).
HELM3_LDFLAGS := -w -s -X helm.sh/helm/v3/internal/version.version=v3.22.0 \
	-X helm.sh/helm/v3/internal/version.gitTreeState=clean \
	-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=37 \
	-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37
HELM4_LDFLAGS := -w -s -X helm.sh/helm/v4/internal/version.version=v4.3.1 \
	-X helm.sh/helm/v4/internal/version.gitTreeState=clean

.PHONY: help build test lint bench conformance fuzz docs peers
help:
	@sed -n 's/^\([a-z]*\): *.*## \(.*\)/\1\t\2/p' Makefile

build: ## build bin/slipway
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/slipway ./cmd/slipway

test: peers ## run all tests, with the race detector, against the real Helm binaries
	SLIPWAY_PEERS=$(CURDIR)/$(PEERS) $(GO) test -race ./...

peers: $(PEERS)/helm3 $(PEERS)/helm4 ## build the Helm binaries that tests and benchmarks compare with

$(PEERS)/helm3: testdata/peers/helm3/go.mod testdata/peers/helm3/go.sum
	cd testdata/peers/helm3 && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(HELM3_LDFLAGS)" -o $(CURDIR)/$@ helm.sh/helm/v3/cmd/helm

$(PEERS)/helm4: testdata/peers/helm4/go.mod testdata/peers/helm4/go.sum
	cd testdata/peers/helm4 && CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(HELM4_LDFLAGS)" -o $(CURDIR)/$@ helm.sh/helm/v4/cmd/helm
