package manifest

import "strings"

// Ref names an object of a cluster. It is comparable and serves as a map key.
// The namespace of an object of a namespaced kind is what its document says,
// possibly nothing, until the cluster has resolved it.
type Ref struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// Group is the API group: "" for the core group, "apps" for apps/v1.
func (r Ref) Group() string {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		return ""
	}
	return group
}

// String is how a reference is shown to people: "Deployment prod/web", or
// "Namespace prod" for an object outside namespaces.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// Object is one decoded document of a manifest. Fields holds values as
// Kubernetes' own libraries have them: map[string]any, []any, string, bool,
// nil, int64 and float64. It must not be changed once it is shared.
type Object struct {
	Ref
	Source string // the template it came from, "" if the manifest does not say
	Fields map[string]any
}

// Annotations are the object's own, nil if there are none.
func (o *Object) Annotations() map[string]any {
	metadata, _ := o.Fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return annotations
}
