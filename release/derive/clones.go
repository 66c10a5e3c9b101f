package derive

import (
	"fmt"
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// hasClone reports whether the second Deployment of a workload is live.
func (b *builder) hasClone(w *Workload) bool {
	return w.Form != Partitioned && b.view.Clones && !(b.view.Adopted && w.Form == Adoptable && !w.Stays)
}

// addClones adds the canary's Deployments.
func (b *builder) addClones() error {
	for i := range b.Workloads {
		if w := &b.Workloads[i]; b.hasClone(w) {
			b.all = append(b.all, b.clone(w))
		}
	}
	return nil
}

// clone is the second Deployment of a workload. It has the labels of the
// first, but no annotation of it: they tell tools what to do with the chart's
// own object.
func (b *builder) clone(w *Workload) manifest.Object {
	target := b.target.find(w.Ref)
	spec := cloneMap(mapping(target.Fields["spec"]))
	delete(spec, "paused")
	spec["replicas"] = int64(b.canaryReplicas(w))
	if w.Form == Labelled {
		template := mapping(spec["template"])
		key := track(template)
		child(spec, "selector", "matchLabels")[key] = canaryTrack
		child(template, "metadata", "labels")[key] = canaryTrack
		b.redirect(w, template)
	}
	return b.made(target, w.Clone, at(target.Fields, "metadata", "labels"), Fields{"spec": spec})
}

// redirect makes a template use the copies.
func (b *builder) redirect(w *Workload, template map[string]any) {
	copies := map[identity]string{}
	for _, c := range b.Copies {
		copies[identify(c.Ref)] = c.Name
	}
	eachReference(mapping(template["spec"]), func(kind string, holder map[string]any, field string) {
		if name := copies[identity{"", kind, w.Ref.Namespace, text(holder[field])}]; name != "" {
			holder[field] = name
		}
	})
}

// canaryReplicas is how many pods the canary's Deployment has.
func (b *builder) canaryReplicas(w *Workload) int {
	if split, counted := b.view.Counts[w.Key()]; counted && !b.view.Full {
		return split.Canary
	}
	return b.allReplicas(w)
}

// allReplicas is how many pods the canary has when it serves alone.
func (b *builder) allReplicas(w *Workload) int {
	if w.Scaler == "" {
		return w.Replicas
	}
	if b.scalerOf(w) == nil {
		return max(w.Replicas, w.Max) // nothing scales the canary
	}
	stable, canary := b.observed.Replicas[w.Ref.Name], b.observed.Replicas[w.Clone]
	if b.view.Scaler == rollout.ScalerMoved && canary > 0 {
		return max(w.Replicas, canary)
	}
	return max(w.Replicas, stable, canary)
}

// addCopies adds the copies of changed configuration, which nobody can change.
func (b *builder) addCopies() error {
	if !b.view.Early {
		return nil
	}
	for _, c := range b.Copies {
		o := b.target.find(c.Ref)
		if o == nil {
			return fmt.Errorf("%s is not in the target: this is not the manifest that the rollout was planned for", c.Ref)
		}
		fields := Fields{}
		for _, field := range contentFields {
			if value, set := o.Fields[field]; set {
				fields[field] = clone(value)
			}
		}
		fields["immutable"] = true
		b.all = append(b.all, b.made(o, c.Name, nil, fields))
	}
	return nil
}

// portFields are those of a Service's port that the canary's own one has too.
var portFields = []string{"name", "port", "targetPort", "protocol", "appProtocol"}

// addPreviews adds the Services of the canary alone. They have no labels of
// the chart, by which monitoring would find them beside the chart's own.
func (b *builder) addPreviews() error {
	if !b.view.Preview {
		return nil
	}
	for _, s := range b.Services {
		w := b.byKey(s.Workload)
		if s.Preview == "" || w == nil {
			continue
		}
		of := b.base.find(s.Ref)
		if next := b.target.find(s.Ref); b.view.Target && next != nil {
			of = next
		}
		if of == nil {
			return fmt.Errorf("%s is not in the base: this is not the manifest that the rollout was planned for", s.Ref)
		}
		b.all = append(b.all, b.preview(w, s, of))
	}
	return nil
}

func (b *builder) preview(w *Workload, s Service, of *manifest.Object) manifest.Object {
	selector := cloneMap(mapping(at(of.Fields, "spec", "selector")))
	if w.Form == Labelled {
		selector[track(templateOf(b.target.find(w.Ref).Fields))] = canaryTrack
	}
	if hash := b.observed.Hashes[s.Workload].Canary; hash != "" {
		selector[hashLabel] = hash
	}
	var list []any
	for _, port := range mappings(at(of.Fields, "spec", "ports")) {
		kept := map[string]any{}
		for _, field := range portFields {
			if value, set := port[field]; set {
				kept[field] = clone(value)
			}
		}
		list = append(list, kept)
	}
	return b.made(of, s.Preview, nil, Fields{"spec": map[string]any{"type": "ClusterIP", "selector": selector, "ports": list}})
}

// route sends a part of the traffic to the canary's Services.
func (b *builder) route(base []manifest.Object, routers []Router) error {
	if !b.view.Routed || b.view.Target || b.Router == "" {
		return nil
	}
	i := slices.IndexFunc(routers, func(r Router) bool { return r.Name() == b.Router })
	if i < 0 {
		return fmt.Errorf("the rollout was planned with the router %s, which is not there", b.Router)
	}
	split, err := routers[i].Split(base, b.backends(), b.view.Weight)
	if err != nil {
		return fmt.Errorf("divide traffic by %s: %w", b.Router, err)
	}
	for _, o := range split {
		at := slices.IndexFunc(b.all, func(have manifest.Object) bool { return identify(have.Ref) == identify(o.Ref) })
		if at >= 0 {
			b.all[at] = o
			continue
		}
		o.Fields = maps.Clone(o.Fields)
		metadata := cloneMap(mapping(o.Fields["metadata"]))
		child(metadata, "annotations")[RolloutAnnotation] = fmt.Sprint(b.Revision)
		o.Fields["metadata"] = metadata
		b.all = append(b.all, o)
	}
	return nil
}
