package lint

import "fmt"

// deprecatedAPI says when Kubernetes deprecates a kind of one API version.
type deprecatedAPI struct {
	major, minor int    // the version from which it is deprecated
	removed      string // the version without it, "" when that is not decided
	replacement  string // "apiVersion Kind", "" when there is none
}

// deprecation returns Kubernetes' warning about an object's API in a cluster of
// the version given, or "" when there is none.
func deprecation(apiVersion, kind string, major, minor int) string {
	api, listed := deprecatedAPIs[apiVersion+" "+kind]
	if !listed || apiVersion == "" || kind == "" {
		return ""
	}
	current := major > api.major || major == api.major && minor >= api.minor
	if !current && (major != 0 || minor != 0) {
		return ""
	}
	text := fmt.Sprintf("%s %s is deprecated in v%d.%d+", apiVersion, kind, api.major, api.minor)
	if api.removed != "" {
		text += ", unavailable in " + api.removed + "+"
	}
	if api.replacement != "" {
		text += "; use " + api.replacement
	}
	return text
}
