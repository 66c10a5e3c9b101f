package plan

import (
	"fmt"
	"maps"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// The metadata by which Helm knows the objects of a release
// (https://helm.sh/docs/howto/charts_tips_and_tricks/, "adopting resources").
const (
	managedByLabel      = "app.kubernetes.io/managed-by"
	managedByHelm       = "Helm"
	releaseAnnotation   = "meta.helm.sh/release-name"
	namespaceAnnotation = "meta.helm.sh/release-namespace"
	policyAnnotation    = "helm.sh/resource-policy"
	policyKeep          = "keep"
)

// Ownership says to whom the live object belongs.
type Ownership string

// The kinds of ownership.
const (
	Absent    Ownership = "absent"    // there is no live object
	Ours      Ownership = "ours"      // part of the release
	Adoptable Ownership = "adoptable" // not part of it so far, but marked for it
	Foreign   Ownership = "foreign"
)

// Owner is what a live object says about the release that it belongs to.
// The zero value is an object that says nothing.
type Owner struct {
	Release   string `json:"release,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	ManagedBy string `json:"managedBy,omitempty"` // the label's value, "Helm" for a release
}

// Is reports whether the object is marked as belonging to the release, by
// Helm's rule: label and both annotations.
func (o Owner) Is(release, namespace string) bool {
	return o == Owner{Release: release, Namespace: namespace, ManagedBy: managedByHelm}
}

// String names the owner in a sentence.
func (o Owner) String() string {
	switch {
	case o.Release != "":
		return fmt.Sprintf("release %s in namespace %s", o.Release, o.Namespace)
	case o.ManagedBy != "" && o.ManagedBy != managedByHelm:
		return o.ManagedBy
	}
	return "no release"
}

// OwnerOf reads the owner from an object's metadata.
func OwnerOf(live map[string]any) Owner {
	metadata, _ := live["metadata"].(map[string]any)
	labels, _ := metadata["labels"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	var o Owner
	o.ManagedBy, _ = labels[managedByLabel].(string)
	o.Release, _ = annotations[releaseAnnotation].(string)
	o.Namespace, _ = annotations[namespaceAnnotation].(string)
	return o
}

// Own returns the object with the label and annotations that mark it as part
// of a release. What it was handed stays as it was; other fields are shared. The
// rules of a ClusterRole that collects those of others are left out: the control
// plane writes them, and charts have an empty list there, if anything.
func Own(o manifest.Object, release, namespace string) manifest.Object {
	o.Fields = cloneMap(o.Fields)
	if o.Kind == "ClusterRole" && o.Fields["aggregationRule"] != nil {
		delete(o.Fields, "rules")
	}
	metadata := childCopy(o.Fields, "metadata")
	childCopy(metadata, "labels")[managedByLabel] = managedByHelm
	annotations := childCopy(metadata, "annotations")
	annotations[releaseAnnotation] = release
	annotations[namespaceAnnotation] = namespace
	return o
}

// Kept reports whether an object's annotation helm.sh/resource-policy says that
// it stays when its release no longer has it. Helm asks the live object on an
// upgrade and the manifest on an uninstall; [Compute] lets either be enough.
func Kept(object map[string]any) bool {
	policy := text(at(object, "metadata", "annotations", policyAnnotation))
	return strings.ToLower(strings.TrimSpace(policy)) == policyKeep
}

// childCopy puts a copy of the mapping at key in its place, a new one if there is none.
func childCopy(parent map[string]any, key string) map[string]any {
	child, _ := parent[key].(map[string]any)
	child = cloneMap(child)
	parent[key] = child
	return child
}

func cloneMap(m map[string]any) map[string]any {
	c := make(map[string]any, len(m)+3)
	maps.Copy(c, m)
	return c
}

// classify tells to whom a live object belongs. Objects of the last deployed
// revision without any mark are ours: Helm marks them since 3.2 only.
func classify(owner Owner, release, namespace string, deployed, attempted bool) Ownership {
	switch {
	case deployed && (owner.Release == "" || owner.Release == release && owner.Namespace == namespace):
		return Ours
	case !owner.Is(release, namespace):
		return Foreign
	case attempted:
		return Ours
	}
	return Adoptable
}
