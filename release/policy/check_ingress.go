package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// route is an address that an Ingress takes.
type route struct {
	host, path, kind string // kind is the pathType
	class            string // of the controller; "" for the usual
	object           *manifest.Object
	field            []string
	live             bool // of another release
}

func (r *route) key() string { return r.host + " " + r.kind + " " + r.path }

// address is how it is shown to people.
func (r *route) address() string {
	if r.host == "" {
		return "all hosts, path " + r.path
	}
	return "host " + r.host + ", path " + r.path
}

// findIngresses finds addresses that are taken twice.
func findIngresses(in *inspection) {
	taken := map[string][]*route{}
	for _, o := range in.liveIngresses() {
		for _, r := range routesOf(o) {
			r.live = true
			taken[r.key()] = append(taken[r.key()], r)
		}
	}
	for _, o := range in.ingresses {
		for _, r := range routesOf(o) {
			for _, other := range taken[r.key()] {
				if r.class == other.class || r.class == "" || other.class == "" {
					in.addConflict(r, other)
					break
				}
			}
			taken[r.key()] = append(taken[r.key()], r)
		}
	}
}

func (in *inspection) addConflict(r, other *route) {
	const why = "and which of the two gets the requests is left to chance"
	switch {
	case other.live:
		owner := "of no release"
		if name, namespace := ownerOf(other.object.Fields); name != "" {
			owner = fmt.Sprintf("of release %s/%s", namespace, name)
		}
		in.add(r.object, r.field, "change host or path, or remove the other one", "%s is taken by the live %s %s, %s", r.address(), other.object.Ref, owner, why)
	case other.object == r.object:
		in.add(r.object, r.field, "leave one of them out", "%s stands twice in it, %s", r.address(), why)
	default:
		in.add(r.object, r.field, "change host or path of one of them", "%s is taken by %s too, %s", r.address(), other.object.Ref, why)
	}
}

// liveIngresses are those of others.
func (in *inspection) liveIngresses() []*manifest.Object {
	if in.set.Live == nil {
		return nil
	}
	planned := map[string]bool{}
	for _, o := range in.ingresses {
		planned[in.namespace(o)+"/"+o.Name] = true
	}
	var list []*manifest.Object
	for _, fields := range in.set.Live.Ingresses {
		o := liveObject(fields)
		if !planned[o.Namespace+"/"+o.Name] && !in.isOwn(fields) {
			list = append(list, o)
		}
	}
	return list
}

// liveObject is an object of the cluster without a template.
func liveObject(fields Fields) *manifest.Object {
	metadata, _ := fields["metadata"].(map[string]any)
	return &manifest.Object{Fields: fields, Ref: manifest.Ref{
		APIVersion: textOf(fields["apiVersion"]), Kind: textOf(fields["kind"]), Namespace: textOf(metadata["namespace"]), Name: textOf(metadata["name"]),
	}}
}

// ownerOf is the release that an object belongs to; "" for none.
func ownerOf(fields Fields) (release, namespace string) {
	annotations, _ := at(fields, "metadata", "annotations").(map[string]any)
	return textOf(annotations["meta.helm.sh/release-name"]), textOf(annotations["meta.helm.sh/release-namespace"])
}

// isOwn reports whether a live object belongs to the release that is checked.
func (in *inspection) isOwn(fields Fields) bool {
	release, namespace := ownerOf(fields)
	return release == in.set.Release && namespace == in.set.Namespace
}

// routesOf lists the addresses of an Ingress. One that ingress-nginx takes for
// the canary of another has none of its own.
func routesOf(o *manifest.Object) []*route {
	annotations := o.Annotations()
	if annotations["nginx.ingress.kubernetes.io/canary"] == "true" {
		return nil
	}
	class := textOf(at(o.Fields, "spec", "ingressClassName"))
	if class == "" {
		class = textOf(annotations["kubernetes.io/ingress.class"])
	}
	var list []*route
	rules, _ := at(o.Fields, "spec", "rules").([]any)
	for i, rule := range rules {
		fields, _ := rule.(map[string]any)
		paths, _ := at(fields, "http", "paths").([]any)
		for j, item := range paths {
			path, _ := item.(map[string]any)
			r := &route{
				host: strings.ToLower(textOf(fields["host"])), path: textOf(path["path"]), kind: textOf(path["pathType"]), class: class, object: o,
				field: []string{"spec", "rules", strconv.Itoa(i), "http", "paths", strconv.Itoa(j), "path"},
			}
			if r.path == "" {
				r.path = "/"
			}
			if r.kind == "Prefix" && len(r.path) > 1 {
				r.path = strings.TrimSuffix(r.path, "/")
			}
			list = append(list, r)
		}
	}
	return slices.Clip(list)
}
