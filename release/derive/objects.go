package derive

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// Objects returns all objects of the release that should be live in a view,
// those of base or target in their order and then what the rollout makes. It
// is deterministic, and changes nothing of what it is handed; objects that stay
// as they are share their Fields.
//
// The zero view is the base, and that with Target and Prune alone the target,
// but for Secrets that are kept and for the replicas of Deployments whose
// scaler has made more of them: see [Observed].
func (p *Plan) Objects(base, target []manifest.Object, v rollout.View, o Observed, routers []Router) ([]manifest.Object, error) {
	b := &builder{Plan: p, base: indexOf(base), target: indexOf(target), view: v, observed: o}
	for _, w := range p.Workloads {
		if b.base.find(w.Ref) == nil || b.target.find(w.Ref) == nil {
			return nil, fmt.Errorf("%s is not in both revisions: these are not the manifests that the rollout was planned for", w.Ref)
		}
	}
	for _, plain := range b.plain(base, target) {
		shaped, err := b.shape(plain)
		if err != nil {
			return nil, err
		}
		b.all = append(b.all, shaped)
	}
	for _, add := range []func() error{b.addEarly, b.addCopies, b.addClones, b.addPreviews, func() error { return b.route(base, routers) }} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	return b.all, nil
}

// builder makes the objects of one view.
type builder struct {
	*Plan
	base, target index
	view         rollout.View
	observed     Observed
	all          []manifest.Object
}

// plain are the objects of the side that everything is like.
func (b *builder) plain(base, target []manifest.Object) []manifest.Object {
	if !b.view.Target {
		return base
	}
	all := slices.Clone(target)
	if b.view.Prune {
		return all
	}
	for i := range base {
		if b.target.find(base[i].Ref) == nil {
			all = append(all, base[i])
		}
	}
	return all
}

// shape makes of an object what the view says.
func (b *builder) shape(o manifest.Object) (manifest.Object, error) {
	switch {
	case isDeployment(o.Ref), isStatefulSet(o.Ref):
		if w := b.workload(o.Ref); w != nil {
			return b.stable(w, o), nil
		}
	case isService(o.Ref):
		return b.pin(o)
	case isScaler(o.Ref):
		return b.scale(o), nil
	case isRights(o.Ref):
		return b.rights(o), nil
	case isConfig(o.Ref) && b.view.Target && hasRef(b.Kept, o.Ref):
		return b.keep(o), nil
	}
	return o, nil
}

func hasRef(refs []manifest.Ref, r manifest.Ref) bool {
	return slices.ContainsFunc(refs, func(other manifest.Ref) bool { return identify(other) == identify(r) })
}

func (p *Plan) workload(r manifest.Ref) *Workload {
	for i := range p.Workloads {
		if identify(p.Workloads[i].Ref) == identify(r) {
			return &p.Workloads[i]
		}
	}
	return nil
}

func (p *Plan) byKey(key string) *Workload {
	for i := range p.Workloads {
		if p.Workloads[i].Key() == key {
			return &p.Workloads[i]
		}
	}
	return nil
}

// stable is the chart's own workload.
func (b *builder) stable(w *Workload, o manifest.Object) manifest.Object {
	changed := o
	changed.Fields = cloneMap(o.Fields)
	spec := child(changed.Fields, "spec")
	if w.Form == Partitioned {
		if !b.view.Target && b.view.Clones {
			b.partition(w, spec)
		}
	} else if b.view.Paused {
		spec["paused"] = true
	}
	if n, is := b.stableReplicas(w, o); is {
		spec["replicas"] = int64(n)
	}
	return changed
}

// partition gives the last pods of a StatefulSet the target's template.
func (b *builder) partition(w *Workload, spec map[string]any) {
	spec["template"] = clone(templateOf(b.target.find(w.Ref).Fields))
	pods := max(w.Replicas, b.observed.Replicas[w.Ref.Name])
	canary := pods
	if split, counted := b.view.Counts[w.Key()]; counted && !b.view.Full {
		canary = split.Canary
	}
	child(spec, "updateStrategy")["type"] = "RollingUpdate"
	child(spec, "updateStrategy", "rollingUpdate")["partition"] = int64(max(0, pods-canary))
}

// stableReplicas is how many pods the stable side has, if not what its document says.
func (b *builder) stableReplicas(w *Workload, o manifest.Object) (n int, is bool) {
	says := func(f Fields) bool { return at(f, "spec", "replicas") != nil }
	documented, named := wholeOr(at(o.Fields, "spec", "replicas"), 1), says(o.Fields)
	owned := named || says(b.base.find(w.Ref).Fields) // else the API server makes it 1 if we let go of it
	if b.view.Target && !b.view.Prune && w.Form == Adoptable {
		// A Deployment that adopts a ReplicaSet and wants another number of pods
		// takes them from the greater of its ReplicaSets, or from all.
		return b.allReplicas(w), owned
	}
	if w.Scaler == "" {
		split, counted := b.view.Counts[w.Key()]
		switch {
		case w.Form == Partitioned || !named:
			return 0, false
		case w.Worker && b.view.Clones && b.view.Full && (!b.view.Target || b.view.Paused):
			return 0, true // the canary has all of the work
		}
		return split.Stable, (b.Total || w.Worker) && counted && !b.view.Target
	}
	seen := b.observed.Replicas[w.Ref.Name]
	if b.view.Target {
		seen = max(seen, b.observed.Replicas[w.Clone])
	}
	switch {
	case b.view.Target && b.view.Prune && b.scaledNoMore(w):
		return 0, false
	case !named:
		return seen, b.view.Target && !b.view.Prune && owned && seen > 0
	}
	return seen, seen > documented
}

// scaledNoMore reports whether the target has no autoscaler of a workload any more.
func (b *builder) scaledNoMore(w *Workload) bool {
	s := b.scalerOf(w)
	return s != nil && b.target.find(s.Ref) == nil
}

func (p *Plan) scalerOf(w *Workload) *Scaler {
	for i := range p.Scalers {
		if p.Scalers[i].Workload == w.Key() {
			return &p.Scalers[i]
		}
	}
	return nil
}

// pin makes a Service select one side.
func (b *builder) pin(o manifest.Object) (manifest.Object, error) {
	for _, s := range b.NewServices {
		if identify(s.Ref) == identify(o.Ref) && (!b.view.Target || b.view.Pin != "") {
			if hash := b.observed.Hashes[s.Workload].Canary; hash != "" {
				return pinned(o, hash), nil
			}
		}
	}
	for _, s := range b.Services {
		w := b.byKey(s.Workload)
		if b.view.Pin == "" || identify(s.Ref) != identify(o.Ref) || w == nil || w.Form == Partitioned {
			continue
		}
		hashes := b.observed.Hashes[s.Workload]
		hash := hashes.Stable
		if b.view.Pin == rollout.CanarySide {
			hash = hashes.Canary
		}
		if hash == "" {
			return o, fmt.Errorf("%s cannot select the %s side of %s alone: its pods are not known yet", o.Ref, b.view.Pin, s.Workload)
		}
		return pinned(o, hash), nil
	}
	return o, nil
}

func pinned(o manifest.Object, hash string) manifest.Object {
	o.Fields = cloneMap(o.Fields)
	child(o.Fields, "spec", "selector")[hashLabel] = hash
	return o
}

// scale makes an autoscaler do what the view says.
func (b *builder) scale(o manifest.Object) manifest.Object {
	for _, s := range b.Scalers {
		w := b.byKey(s.Workload)
		if b.view.Scaler == rollout.ScalerAsIs || identify(s.Ref) != identify(o.Ref) || w == nil {
			continue
		}
		o.Fields = cloneMap(o.Fields)
		spec := child(o.Fields, "spec")
		least := max(wholeOr(spec["minReplicas"], 1), s.Floor)
		spec["minReplicas"] = int64(least)
		spec["maxReplicas"] = int64(max(wholeOr(spec["maxReplicas"], least), least))
		if b.view.Scaler == rollout.ScalerMoved && b.hasClone(w) {
			child(spec, "scaleTargetRef")["name"] = w.Clone
		}
	}
	return o
}

// rights joins the rights of both sides.
func (b *builder) rights(o manifest.Object) manifest.Object {
	if !b.view.Early || b.view.Target && b.view.Prune || !hasRef(b.Rights, o.Ref) {
		return o
	}
	field := rightsFields[o.Kind]
	other := b.target.find(o.Ref)
	if b.view.Target {
		other = b.base.find(o.Ref)
	}
	if other == nil {
		return o
	}
	o.Fields = cloneMap(o.Fields)
	o.Fields[field] = clone(joined(o.Fields[field], other.Fields[field]))
	return o
}

// keep gives a Secret the content that it has.
func (b *builder) keep(o manifest.Object) manifest.Object {
	base := b.base.find(o.Ref)
	if base == nil {
		return o
	}
	o.Fields = cloneMap(o.Fields)
	for _, field := range contentFields {
		delete(o.Fields, field)
		if value, set := base.Fields[field]; set {
			o.Fields[field] = clone(value)
		}
	}
	return o
}

// addEarly adds new objects that are made at the start.
func (b *builder) addEarly() error {
	if !b.view.Early || b.view.Target {
		return nil
	}
	for _, r := range b.Early {
		o := b.target.find(r)
		if o == nil {
			return fmt.Errorf("%s is not in the target: this is not the manifest that the rollout was planned for", r)
		}
		shaped, err := b.pin(*o)
		if err != nil {
			return err
		}
		b.all = append(b.all, shaped)
	}
	return nil
}

// made is a new object that the rollout makes after the image of another.
func (p *Plan) made(of *manifest.Object, name string, labels any, fields Fields) manifest.Object {
	o := manifest.Object{Ref: of.Ref, Source: of.Source, Fields: fields}
	o.Name = name
	metadata := map[string]any{"name": name, "annotations": map[string]any{RolloutAnnotation: strconv.Itoa(p.Revision)}}
	if namespace := at(of.Fields, "metadata", "namespace"); namespace != nil {
		metadata["namespace"] = namespace
	}
	if labels := mapping(labels); len(labels) > 0 {
		metadata["labels"] = cloneMap(labels)
	}
	fields["apiVersion"], fields["kind"], fields["metadata"] = of.APIVersion, of.Kind, metadata
	return o
}
