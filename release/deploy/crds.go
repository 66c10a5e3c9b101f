package deploy

import (
	"context"
	"fmt"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// StoredVersionError says that a definition would lose a version in which
// objects may be stored: they could not be read any more.
type StoredVersionError struct {
	Ref      manifest.Ref
	Versions []string
}

func (e *StoredVersionError) Error() string {
	return fmt.Sprintf("%s: the cluster may hold objects stored as %v, which the chart's definition does not have", e.Ref, e.Versions)
}

// installCRDs brings about the definitions that the chart carries beside its
// templates, and waits until the API server serves their kinds. first says that
// the release has no earlier revision.
func (o *operation) installCRDs(ctx context.Context, d *draft, options *ChangeOptions, first bool) error {
	objects := d.crds
	if options.CRDs == ApplyCRDs || options.CRDs == PlanCRDs {
		objects = append(objects[:len(objects):len(objects)], d.hookCRDs...)
	}
	if len(objects) == 0 || options.CRDs == SkipCRDs || options.CRDs == CreateCRDs && !first {
		return nil
	}
	resolved, err := o.Cluster.Resolve(ctx, objects, o.Namespace)
	if err != nil {
		return err
	}
	known, unknown := settle(resolved.Unknown, definitionsAmong(objects), o.Namespace)
	if len(unknown) > 0 {
		return &UnknownKindsError{Objects: []SourcedRef{{unknown[0].Ref, unknown[0].Source}}}
	}
	objects = append(resolved.Objects, known...)
	refs := make([]manifest.Ref, len(objects))
	for i, obj := range objects {
		refs[i] = obj.Ref
	}
	live, err := o.Cluster.Read(ctx, refs)
	if err != nil {
		return err
	}
	wanted, err := o.wantedCRDs(objects, live, options.CRDs)
	if err != nil {
		return err
	}
	for _, obj := range wanted {
		if options.CRDs == PlanCRDs {
			o.notify(Notice{Step: StepCRD, Ref: obj.Ref, Action: "planned", Message: "it would be created or changed"})
			continue
		}
		if _, err := o.Cluster.Apply(ctx, obj, ApplyOptions{Live: live[obj.Ref], TakeConflicts: options.TakeConflicts}); err != nil {
			return fmt.Errorf("apply %s (%s): %w", obj.Ref, obj.Source, err)
		}
		o.notify(Notice{Step: StepCRD, Ref: obj.Ref, Action: "applied"})
	}
	if len(wanted) == 0 || options.CRDs == PlanCRDs {
		return nil
	}
	return o.established(ctx, wanted, options)
}

// wantedCRDs are the objects that have to be sent. A definition that would
// lose a stored version is refused.
func (o *operation) wantedCRDs(objects []manifest.Object, live map[manifest.Ref]Live, mode CRDMode) ([]manifest.Object, error) {
	var wanted []manifest.Object
	for _, obj := range objects {
		is := live[obj.Ref]
		switch {
		case is == nil:
		case mode == CreateCRDs, plan.Holds(is, obj.Fields):
			continue
		default:
			if lost := lostVersions(is, obj.Fields); len(lost) > 0 {
				return nil, &StoredVersionError{obj.Ref, lost}
			}
		}
		wanted = append(wanted, obj)
	}
	return wanted, nil
}

// lostVersions are the stored versions of a live definition that the wanted one has not.
func lostVersions(live Live, wanted map[string]any) []string {
	status, _ := live["status"].(map[string]any)
	stored, _ := status["storedVersions"].([]any)
	spec, _ := wanted["spec"].(map[string]any)
	versions, _ := spec["versions"].([]any)
	has := map[any]bool{}
	for _, v := range versions {
		version, _ := v.(map[string]any)
		has[version["name"]] = true
	}
	var lost []string
	for _, s := range stored {
		if name, ok := s.(string); ok && !has[name] {
			lost = append(lost, name)
		}
	}
	return lost
}
