package derive

import (
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// Leftovers says how to bring back what the rollout has changed when somebody
// else went on with the release meanwhile. newest is the manifest that is
// deployed now, live has its objects and those that the rollout made or
// changed, as far as they exist. restore are objects of newest to apply again,
// in their order; remove are those that only the rollout wanted.
func (p *Plan) Leftovers(newest []manifest.Object, live map[manifest.Ref]Fields) (restore []manifest.Object, remove []manifest.Ref) {
	found := make(map[identity]Fields, len(live))
	for r, f := range live {
		if f != nil {
			found[identify(r)] = f
		}
	}
	for i := range newest {
		if f := found[identify(newest[i].Ref)]; f != nil && p.isLeft(&newest[i], f) {
			restore = append(restore, newest[i])
		}
	}
	wanted := indexOf(newest)
	for _, r := range slices.Concat(p.Made(), p.RouteObjects) {
		f := found[identify(r)]
		if f != nil && wanted.find(r) == nil && at(f, "metadata", "annotations", RolloutAnnotation) != nil {
			remove = append(remove, r)
		}
	}
	for _, r := range p.Early {
		if f := found[identify(r)]; f != nil && wanted.find(r) == nil && removable(r, f) {
			remove = append(remove, r)
		}
	}
	return restore, remove
}

// removable reports whether a new object that the rollout made early can go:
// it is a release's, has no data, and nobody said that it stays.
func removable(r manifest.Ref, live Fields) bool {
	return r.Kind != "PersistentVolumeClaim" && r.Kind != "Namespace" &&
		text(at(live, "metadata", "annotations", "meta.helm.sh/release-name")) != "" &&
		text(at(live, "metadata", "annotations", "helm.sh/resource-policy")) != "keep"
}

// isLeft reports whether a live object still is as the rollout made it.
func (p *Plan) isLeft(o *manifest.Object, live Fields) bool {
	field := func(f Fields, path ...string) any { return at(f, append([]string{"spec"}, path...)...) }
	switch {
	case isDeployment(o.Ref), isStatefulSet(o.Ref):
		w := p.workload(o.Ref)
		return w != nil && p.isHeld(w, o, live)
	case isService(o.Ref):
		return at(live, "spec", "selector", hashLabel) != nil && at(o.Fields, "spec", "selector", hashLabel) == nil &&
			slices.ContainsFunc(slices.Concat(p.Services, p.NewServices), func(s Service) bool { return identify(s.Ref) == identify(o.Ref) })
	case isScaler(o.Ref):
		for _, s := range p.Scalers {
			if identify(s.Ref) == identify(o.Ref) {
				return wholeOr(field(live, "minReplicas"), 1) != wholeOr(field(o.Fields, "minReplicas"), 1) ||
					wholeOr(field(live, "maxReplicas"), 1) != wholeOr(field(o.Fields, "maxReplicas"), 1) ||
					text(field(live, "scaleTargetRef", "name")) != text(field(o.Fields, "scaleTargetRef", "name"))
			}
		}
	case isRights(o.Ref):
		list := rightsFields[o.Kind]
		return hasRef(p.Rights, o.Ref) && differs(live[list], o.Fields[list])
	case hasRef(p.Routes, o.Ref):
		_, lacks := lacking(mapping(live["spec"]), mapping(o.Fields["spec"]), "spec")
		return lacks
	}
	return false
}

// isHeld reports whether a workload is paused, partitioned or smaller than it is to be.
func (p *Plan) isHeld(w *Workload, o *manifest.Object, live Fields) bool {
	partition := func(f Fields) int {
		return wholeOr(at(f, "spec", "updateStrategy", "rollingUpdate", "partition"), 0)
	}
	if w.Form == Partitioned {
		return partition(live) != partition(o.Fields)
	}
	if at(live, "spec", "paused") == true && at(o.Fields, "spec", "paused") != true {
		return true
	}
	asked, named := whole(at(o.Fields, "spec", "replicas"))
	return (p.Total || w.Worker) && w.Scaler == "" && named && wholeOr(at(live, "spec", "replicas"), 1) != asked
}
