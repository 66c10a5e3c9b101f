// Package version has the type behind .Capabilities.HelmVersion as Helm 4
// shows it to templates.
package version

// BuildInfo describes the Helm 4 that slipway renders for.
type BuildInfo struct {
	Version      string `json:"version,omitempty"`
	GitCommit    string `json:"git_commit,omitempty"`
	GitTreeState string `json:"git_tree_state,omitempty"`
	GoVersion    string `json:"go_version,omitempty"`
	// KubeClientVersion is the version of client-go that Helm was built with.
	KubeClientVersion string `json:"kube_client_version"`
}
