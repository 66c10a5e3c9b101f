package release

import (
	"cmp"
	"fmt"
	"slices"
)

// ListOptions choose what a store lists. The zero value is everything.
type ListOptions struct {
	// Namespace is where to look, "" for the whole cluster or database.
	Namespace string
	// Selector is a label selector in Kubernetes' syntax, on custom labels
	// and on those of Helm's: name, status, version.
	Selector string
	// States are the wanted ones; none means every one.
	States []Status
	// Limit is how many revisions are wanted at most, 0 for all.
	Limit int
}

// SortMeta sorts by namespace, name and revision.
func SortMeta(list []Meta) {
	slices.SortFunc(list, func(a, b Meta) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// HasState reports whether a state is among the wanted ones.
func (o ListOptions) HasState(s Status) bool {
	return len(o.States) == 0 || slices.Contains(o.States, s)
}

// NotFound is an ErrNotFound that names the revision.
func NotFound(name string, version int) error {
	return fmt.Errorf("%w: release %s revision %d", ErrNotFound, name, version)
}
