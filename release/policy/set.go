package policy

import (
	"fmt"

	"github.com/e6d26078/slipway/release/manifest"
)

// NewSet reads what a chart was rendered to: the manifest, the hooks, and the
// files of definitions. Errors are *manifest.ParseError.
func NewSet(release, namespace, body string, hooks []manifest.Hook, crds []manifest.File) (*Set, error) {
	s := &Set{Release: release, Namespace: namespace}
	var err error
	if s.Objects, err = manifest.Objects(body); err != nil {
		return nil, err
	}
	for _, h := range hooks {
		objects, err := manifest.Objects("# Source: " + h.Path + "\n" + h.Manifest)
		if err != nil {
			return nil, fmt.Errorf("read hook %s: %w", h.Name, err)
		}
		s.Hooks = append(s.Hooks, objects...)
	}
	for _, f := range crds {
		objects, err := manifest.Objects(f.Content)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name, err)
		}
		for i := range objects {
			objects[i].Source = f.Name
		}
		s.CRDs = append(s.CRDs, objects...)
	}
	return s, nil
}
