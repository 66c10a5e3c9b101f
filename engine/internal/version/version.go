// Package version has the type behind .Capabilities.HelmVersion in templates.
// Its name is Helm's, because templates can print it (typeOf).
package version

// BuildInfo describes the Helm that slipway renders for.
type BuildInfo struct {
	// Version is Helm's semantic version, with the leading v.
	Version string `json:"version,omitempty"`
	// GitCommit is the commit that Helm was built from, if known.
	GitCommit string `json:"git_commit,omitempty"`
	// GitTreeState is "clean" for a released Helm.
	GitTreeState string `json:"git_tree_state,omitempty"`
	// GoVersion is the version of the Go tool chain.
	GoVersion string `json:"go_version,omitempty"`
}
