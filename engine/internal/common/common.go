// Package common has the types of the objects that Helm 4 hands to templates.
// Package and type names are Helm's, because templates can print them.
package common

import (
	"io"
	"slices"

	"github.com/e6d26078/slipway/engine/internal/chartutil"
	version "github.com/e6d26078/slipway/engine/internal/version4"
)

// Values is the type of a template's dot, and of .Values and .Template in it.
type Values map[string]any

// YAML returns the values as YAML text.
func (v Values) YAML() (string, error) { return chartutil.Values(v).YAML() }

// Encode writes the values as YAML text.
func (v Values) Encode(w io.Writer) error { return chartutil.Values(v).Encode(w) }

// AsMap returns the values as a plain map, never nil.
func (v Values) AsMap() map[string]any { return chartutil.Values(v).AsMap() }

// Table returns the table at a dotted path.
func (v Values) Table(path string) (Values, error) {
	t, err := chartutil.Values(v).Table(path)
	return Values(t), err
}

// PathValue returns the value, not a table, at a dotted path.
func (v Values) PathValue(path string) (any, error) { return chartutil.Values(v).PathValue(path) }

// Capabilities is the type behind .Capabilities in a template.
type Capabilities struct {
	KubeVersion KubeVersion
	APIVersions VersionSet
	HelmVersion version.BuildInfo
}

// Copy returns a copy that shares the list of API versions.
func (c *Capabilities) Copy() *Capabilities {
	dup := *c
	return &dup
}

// KubeVersion is a Kubernetes version. Unlike Helm 3's, Version keeps a
// distribution's suffix, and String leaves it out.
type KubeVersion struct {
	Version           string
	normalizedVersion string
	Major             string
	Minor             string
}

// NewKubeVersion returns a version whose String is normalized.
func NewKubeVersion(full, normalized, major, minor string) KubeVersion {
	return KubeVersion{Version: full, normalizedVersion: normalized, Major: major, Minor: minor}
}

// String returns the version without a suffix.
func (kv *KubeVersion) String() string {
	if kv.normalizedVersion != "" {
		return kv.normalizedVersion
	}
	return kv.Version
}

// GitVersion is an old name for Version that charts still use.
func (kv *KubeVersion) GitVersion() string { return kv.Version }

// VersionSet is a list of API versions.
type VersionSet []string

// Has reports whether the list holds apiVersion.
func (v VersionSet) Has(apiVersion string) bool { return slices.Contains(v, apiVersion) }
