package release

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
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
	// Limit is how many revisions are wanted at most, 0 for all. Which ones
	// is the store's choice.
	Limit int
}

// SortMeta sorts by namespace, name and revision.
func SortMeta(list []Meta) {
	slices.SortFunc(list, func(a, b Meta) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// Matcher does what an API server does with the options, but for Limit.
func (o ListOptions) Matcher() (func(Meta) bool, error) {
	selector, err := labels.Parse(o.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector %q: %w", o.Selector, err)
	}
	return func(m Meta) bool {
		if o.Namespace != "" && m.Namespace != o.Namespace {
			return false
		}
		return (len(o.States) == 0 || slices.Contains(o.States, m.Status)) && selector.Matches(labels.Set(m.StoredLabels()))
	}, nil
}

// NotFound is an ErrNotFound that names the revision.
func NotFound(name string, version int) error {
	return fmt.Errorf("%w: release %s revision %d", ErrNotFound, name, version)
}
