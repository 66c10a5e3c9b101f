package server

import (
	"net/url"
	"strings"
)

// kind says what a path means. Its text is a label of metrics.
type kind string

const (
	routeUnknown   kind = "unknown"
	routeHome      kind = "home"
	routeInfo      kind = "info"
	routeHealth    kind = "health"
	routeMetrics   kind = "metrics"
	routeIndex     kind = "index"
	routeFile      kind = "file"
	routeHub       kind = "artifacthub"
	routePage      kind = "page"
	routeCharts    kind = "charts"
	routeChart     kind = "chart"
	routeVersion   kind = "version"
	routeTemplates kind = "templates"
	routeValues    kind = "values"
	routeProv      kind = "prov"
)

// route is a path that was understood. All its names are segments of keys.
type route struct {
	kind    kind
	tenant  string
	name    string // of a chart, or of a file
	version string
}

// hubFile is what Artifact Hub reads of a repository.
const hubFile = "artifacthub-repo.yml"

// parseRoute understands a path, or reports false. A path means one thing: it is
// decoded once, and has no empty, relative or hidden parts. The depth may be AnyDepth.
func parseRoute(u *url.URL, context string, depth int) (route, bool) {
	unknown := route{kind: routeUnknown}
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return unknown, false
	}
	path, ok := strings.CutPrefix(u.Path, context)
	if !ok {
		return unknown, false
	}
	if path == "" || path == "/" {
		return route{kind: routeHome}, true
	}
	path, ok = strings.CutPrefix(path, "/")
	if !ok {
		return unknown, false
	}
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for _, part := range parts {
		if !isSegment(part) {
			return unknown, false
		}
	}
	if len(parts) == 1 {
		switch parts[0] {
		case "info":
			return route{kind: routeInfo}, true
		case "health":
			return route{kind: routeHealth}, true
		case "metrics":
			return route{kind: routeMetrics}, true
		}
	}
	api := parts[0] == "api"
	if api {
		parts = parts[1:]
	}
	length := depth
	if depth == AnyDepth {
		length = lengthOfName(parts)
	}
	if len(parts) < length || !isRepository(strings.Join(parts[:length], "/"), depth) {
		return unknown, false
	}
	rt := route{kind: routeUnknown, tenant: strings.Join(parts[:length], "/")}
	if api {
		rt.api(parts[length:])
	} else {
		rt.repository(parts[length:])
	}
	return rt, rt.kind != routeUnknown
}

// repository understands what follows a repository's name.
func (rt *route) repository(parts []string) {
	switch {
	case len(parts) == 0:
		rt.kind = routeHome
	case len(parts) == 1 && parts[0] == "index.yaml":
		rt.kind = routeIndex
	case len(parts) == 1 && parts[0] == hubFile:
		rt.kind, rt.name = routeHub, hubFile
	case len(parts) == 2 && parts[0] == "charts" && (strings.HasSuffix(parts[1], ".tgz") || strings.HasSuffix(parts[1], ".tgz.prov")):
		rt.kind, rt.name = routeFile, parts[1]
	case len(parts) == 2 && parts[0] == "charts":
		rt.kind, rt.name = routePage, parts[1]
	}
}

// api understands what follows a repository's name below /api.
func (rt *route) api(parts []string) {
	switch {
	case len(parts) == 1 && parts[0] == "prov":
		rt.kind = routeProv
		return
	case len(parts) == 0 || len(parts) > 4 || parts[0] != "charts":
		return
	}
	kinds := []kind{routeCharts, routeChart, routeVersion}
	if len(parts) == 4 {
		switch parts[3] {
		case "templates":
			kinds = append(kinds, routeTemplates)
		case "values":
			kinds = append(kinds, routeValues)
		default:
			return
		}
	}
	rt.kind = kinds[len(parts)-1]
	if len(parts) > 1 {
		rt.name = parts[1]
	}
	if len(parts) > 2 {
		rt.version = parts[2]
	}
}
