package engine

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/engine/internal/chartutil"
	"github.com/e6d26078/slipway/engine/internal/common"
	"github.com/e6d26078/slipway/engine/internal/version"
	version4 "github.com/e6d26078/slipway/engine/internal/version4"
)

// Capabilities tells templates about the cluster (.Capabilities).
type Capabilities = chartutil.Capabilities

// KubeVersion is a Kubernetes version.
type KubeVersion = chartutil.KubeVersion

// VersionSet is a list of API versions, such as "apps/v1".
type VersionSet = chartutil.VersionSet

// The versions that a render for no particular cluster assumes: those of the
// released binaries that slipway follows.
const (
	helm3Version     = "v3.22.0"
	helm4Version     = "v4.3.1"
	defaultKubeMajor = "1"
	defaultKubeMinor = "37"
)

// DefaultCapabilities returns what Helm assumes when it is not connected to a
// cluster. The caller owns the result.
func DefaultCapabilities() *Capabilities {
	return &Capabilities{
		KubeVersion: KubeVersion{
			Version: "v" + defaultKubeMajor + "." + defaultKubeMinor + ".0",
			Major:   defaultKubeMajor,
			Minor:   defaultKubeMinor,
		},
		APIVersions: slices.Clone(defaultAPIVersions),
		HelmVersion: version.BuildInfo{Version: helm3Version, GitTreeState: "clean", GoVersion: runtime.Version()},
	}
}

var kubeVersionPattern = regexp.MustCompile(`^\s*v?([0-9]+(?:\.[0-9]+)*)`)

// ParseKubeVersion reads a Kubernetes version: two or more numbers with dots
// between, an optional leading v, and a suffix. Helm 3 drops the suffix;
// Helm 4 keeps it in Version, but not in String.
func (c Compat) ParseKubeVersion(text string) (KubeVersion, error) {
	kv, err := parseKubeVersion(text)
	if err == nil && c == Helm4 {
		kv.Version = "v" + strings.TrimPrefix(text, "v")
	}
	return kv, err
}

func parseKubeVersion(text string) (KubeVersion, error) {
	m := kubeVersionPattern.FindStringSubmatch(text)
	if m == nil {
		return KubeVersion{}, fmt.Errorf("could not parse %q as version", text)
	}
	parts := strings.Split(m[1], ".")
	if len(parts) < 2 {
		return KubeVersion{}, fmt.Errorf("illegal version string %q", text)
	}
	if len(parts[0]) > 1 && parts[0][0] == '0' {
		return KubeVersion{}, fmt.Errorf("illegal zero-prefixed version component %q in %q", parts[0], text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 0)
		if err != nil {
			return KubeVersion{}, fmt.Errorf("illegal non-numeric version component %q in %q: %w", part, text, err)
		}
		parts[i] = strconv.FormatUint(n, 10)
	}
	return KubeVersion{Version: "v" + strings.Join(parts, "."), Major: parts[0], Minor: parts[1]}, nil
}

// helm4Capabilities converts to what Helm 4 shows to templates.
func helm4Capabilities(c *Capabilities) *common.Capabilities {
	info := version4.BuildInfo{
		Version:           c.HelmVersion.Version,
		GitCommit:         c.HelmVersion.GitCommit,
		GitTreeState:      c.HelmVersion.GitTreeState,
		GoVersion:         c.HelmVersion.GoVersion,
		KubeClientVersion: "v" + defaultKubeMajor + "." + defaultKubeMinor,
	}
	if info.Version == helm3Version {
		info.Version = helm4Version
	}
	kv := c.KubeVersion
	normalized := kv.Version
	if plain, err := parseKubeVersion(kv.Version); err == nil {
		normalized = plain.Version
	}
	return &common.Capabilities{
		KubeVersion: common.NewKubeVersion(kv.Version, normalized, kv.Major, kv.Minor),
		APIVersions: common.VersionSet(c.APIVersions),
		HelmVersion: info,
	}
}
