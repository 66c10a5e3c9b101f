package chartutil

import "github.com/e6d26078/slipway/engine/internal/version"

// Capabilities is the type behind .Capabilities in a template.
type Capabilities struct {
	// KubeVersion is the version of the cluster.
	KubeVersion KubeVersion
	// APIVersions are the group/version (and, from a live cluster, group/version/kind) names that the cluster serves.
	APIVersions VersionSet
	// HelmVersion is the Helm that slipway renders for.
	HelmVersion version.BuildInfo
}

// Copy returns a copy that shares the list of API versions.
func (c *Capabilities) Copy() *Capabilities {
	dup := *c
	return &dup
}

// KubeVersion is a Kubernetes version.
type KubeVersion struct {
	Version string // with the leading v
	Major   string
	Minor   string
}

// String returns the version with its leading v.
func (kv *KubeVersion) String() string { return kv.Version }

// GitVersion is an old name for String that charts still use.
func (kv *KubeVersion) GitVersion() string { return kv.Version }

// VersionSet is a list of API versions.
type VersionSet []string

// Has reports whether the list holds apiVersion.
func (v VersionSet) Has(apiVersion string) bool {
	for _, have := range v {
		if have == apiVersion {
			return true
		}
	}
	return false
}
