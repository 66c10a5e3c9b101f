package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

const (
	hashLabel     = "pod-template-hash"
	revisionNote  = "deployment.kubernetes.io/revision"
	sliceOf       = "kubernetes.io/service-name"
	observePause  = 100 * time.Millisecond // at first
	observeMost   = time.Second
	deploymentAPI = "apps/v1"
)

func hookEvent(name string) helm.HookEvent { return helm.HookEvent(name) }

// until asks again and again, with growing pauses, until the answer is yes.
// waiting says what for, when the time is up.
func (r *rolling) until(ctx context.Context, waiting func() string, ask func(ctx context.Context) (bool, error)) error {
	within, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	for pause := observePause; ; pause = min(2*pause, observeMost) {
		done, err := ask(within)
		switch {
		case err == nil && done:
			return nil
		case err != nil && within.Err() == nil:
			return err
		case err == nil:
			err = r.sleep(within, pause)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return &NotReadyError{Timeout: true, Objects: []NotReady{{Message: waiting()}}}
		}
	}
}

// unknownHash reports whether the pods of a side cannot be told apart yet.
func (r *rolling) unknownHash(side rollout.Side) bool {
	for _, w := range r.plan.Workloads {
		if w.Form != derive.Partitioned && hashOf(r.state().Hashes[w.Key()], side) == "" {
			return true
		}
	}
	return false
}

func hashOf(h rollout.Hashes, side rollout.Side) string {
	if side == rollout.CanarySide {
		return h.Canary
	}
	return h.Stable
}

// learn finds out how the pods of a side are labelled, and stores it.
func (r *rolling) learn(ctx context.Context, side rollout.Side) error {
	if !r.unknownHash(side) {
		return nil
	}
	hashes := maps.Clone(r.state().Hashes)
	if hashes == nil {
		hashes = map[string]rollout.Hashes{}
	}
	for _, w := range r.plan.Workloads {
		known := hashes[w.Key()]
		if w.Form == derive.Partitioned || hashOf(known, side) != "" {
			continue
		}
		ref := w.Ref
		if side == rollout.CanarySide {
			ref.Name = w.Clone
		}
		hash, err := r.templateHash(ctx, ref)
		if err != nil {
			return err
		}
		if side == rollout.CanarySide {
			known.Canary = hash
		} else {
			known.Stable = hash
		}
		hashes[w.Key()] = known
	}
	s := *r.state()
	s.Hashes = hashes
	return r.store(ctx, s)
}

// templateHash waits until the controller has made the ReplicaSet of a
// Deployment's template, and returns the label that its pods have.
func (r *rolling) templateHash(ctx context.Context, ref manifest.Ref) (hash string, err error) {
	err = r.until(ctx, func() string { return ref.String() + " has no ReplicaSet yet" }, func(ctx context.Context) (bool, error) {
		live, err := r.Cluster.Read(ctx, []manifest.Ref{ref})
		if err != nil || live[ref] == nil || !isObserved(live[ref]) {
			return false, err
		}
		sets, err := r.config.Objects.List(ctx, deploymentAPI, "ReplicaSet", ref.Namespace, selectorText(live[ref]))
		if err != nil {
			return false, err
		}
		for _, set := range sets {
			if ownedBy(set, uid(live[ref])) && note(set, revisionNote) == note(live[ref], revisionNote) {
				hash = label(set, hashLabel)
			}
		}
		return hash != "", nil
	})
	return hash, err
}

func isObserved(live Live) bool {
	status, _ := live["status"].(map[string]any)
	return number(status["observedGeneration"]) >= number(metadata(live, "generation")) && note(live, revisionNote) != ""
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func note(live Live, name string) string {
	notes, _ := metadata(live, "annotations").(map[string]any)
	s, _ := notes[name].(string)
	return s
}

func label(live Live, name string) string {
	labels, _ := metadata(live, "labels").(map[string]any)
	s, _ := labels[name].(string)
	return s
}

func ownedBy(live Live, uid string) bool {
	owners, _ := metadata(live, "ownerReferences").([]any)
	return slices.ContainsFunc(owners, func(o any) bool {
		owner, _ := o.(map[string]any)
		return owner["uid"] == uid && owner["controller"] == true
	})
}

// selectorText is the selector of a workload in Kubernetes' notation.
func selectorText(live Live) string {
	spec, _ := live["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	labels, _ := selector["matchLabels"].(map[string]any)
	parts := equalities(labels)
	expressions, _ := selector["matchExpressions"].([]any)
	for _, e := range expressions {
		expression, _ := e.(map[string]any)
		key, _ := expression["key"].(string)
		var values []string
		list, _ := expression["values"].([]any)
		for _, v := range list {
			values = append(values, fmt.Sprint(v))
		}
		switch expression["operator"] {
		case "In":
			parts = append(parts, key+" in ("+strings.Join(values, ",")+")")
		case "NotIn":
			parts = append(parts, key+" notin ("+strings.Join(values, ",")+")")
		case "Exists":
			parts = append(parts, key)
		case "DoesNotExist":
			parts = append(parts, "!"+key)
		}
	}
	return strings.Join(parts, ",")
}

func equalities(labels map[string]any) []string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+fmt.Sprint(labels[key]))
	}
	return parts
}

// observed is what derived objects depend on: labels of pods, and numbers that
// autoscalers have chosen.
func (r *rolling) observed(ctx context.Context) (derive.Observed, error) {
	seen := derive.Observed{Hashes: r.state().Hashes, Replicas: map[string]int{}}
	var refs []manifest.Ref
	for _, w := range r.plan.Workloads {
		if w.Scaler == "" || w.Form == derive.Partitioned {
			continue
		}
		clone := w.Ref
		clone.Name = w.Clone
		refs = append(refs, w.Ref, clone)
	}
	if len(refs) == 0 {
		return seen, nil
	}
	live, err := r.Cluster.Read(ctx, refs)
	if err != nil {
		return seen, fmt.Errorf("read the live objects: %w", err)
	}
	for ref, l := range live {
		spec, _ := l["spec"].(map[string]any)
		seen.Replicas[ref.Name] = int(number(spec["replicas"]))
	}
	return seen, nil
}

// endpoints waits until every Service that the rollout changes has exactly the
// ready pods that it selects, and until routes are taken up.
func (r *rolling) endpoints(ctx context.Context) error {
	waiting := ""
	return r.until(ctx, func() string { return waiting }, func(ctx context.Context) (bool, error) {
		for _, service := range r.plan.Services {
			o := r.appliedObject(service.Ref)
			if o == nil {
				continue
			}
			why, err := r.unsettled(ctx, o)
			if err != nil || why != "" {
				waiting = why
				return false, err
			}
		}
		why, err := r.unrouted(ctx)
		waiting = why
		return why == "" && err == nil, err
	})
}

func (r *rolling) appliedObject(ref manifest.Ref) *manifest.Object {
	for i := range r.applied {
		if r.applied[i].Ref == ref {
			return &r.applied[i]
		}
	}
	return nil
}

// unsettled tells in what a Service's endpoints differ from the ready pods that
// it selects, "" if in nothing.
func (r *rolling) unsettled(ctx context.Context, service *manifest.Object) (string, error) {
	spec, _ := service.Fields["spec"].(map[string]any)
	selector, _ := spec["selector"].(map[string]any)
	if len(selector) == 0 {
		return "", nil
	}
	pods, err := r.config.Objects.List(ctx, "v1", "Pod", service.Namespace, strings.Join(equalities(selector), ","))
	if err != nil {
		return "", err
	}
	wanted := map[string]bool{}
	for _, pod := range pods {
		if isPodReady(pod) {
			name, _ := metadata(pod, "name").(string)
			wanted[name] = true
		}
	}
	found, err := r.endpointsOf(ctx, service.Ref)
	if err != nil {
		return "", err
	}
	switch {
	case len(wanted) == 0:
		return fmt.Sprintf("%s: no pod that it selects is ready", service.Ref), nil
	case !maps.Equal(wanted, found):
		return fmt.Sprintf("%s: %d endpoints, and %d pods that it selects are ready", service.Ref, len(found), len(wanted)), nil
	}
	return "", nil
}

// endpointsOf are the names of the pods that are ready endpoints of a Service.
func (r *rolling) endpointsOf(ctx context.Context, service manifest.Ref) (map[string]bool, error) {
	slices, err := r.config.Objects.List(ctx, "discovery.k8s.io/v1", "EndpointSlice", service.Namespace, sliceOf+"="+service.Name)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, slice := range slices {
		list, _ := slice["endpoints"].([]any)
		for _, e := range list {
			endpoint, _ := e.(map[string]any)
			conditions, _ := endpoint["conditions"].(map[string]any)
			target, _ := endpoint["targetRef"].(map[string]any)
			if name, ok := target["name"].(string); ok && conditions["ready"] != false {
				found[name] = true
			}
		}
	}
	return found, nil
}

func isPodReady(pod Live) bool {
	if metadata(pod, "deletionTimestamp") != nil {
		return false
	}
	status, _ := pod["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Ready" && condition["status"] == "True"
	})
}

// unrouted tells which route was not taken up yet, "" if all were.
func (r *rolling) unrouted(ctx context.Context) (string, error) {
	router := r.router()
	if router == nil {
		return "", nil
	}
	var refs []manifest.Ref
	for i := range r.applied {
		if slices.Contains(router.Kinds(), r.applied[i].Kind+"."+r.applied[i].Group()) {
			refs = append(refs, r.applied[i].Ref)
		}
	}
	live, err := r.Cluster.Read(ctx, refs)
	if err != nil {
		return "", err
	}
	for _, ref := range refs {
		if ok, why := router.Settled(live[ref]); !ok {
			return fmt.Sprintf("%s: %s", ref, why), nil
		}
	}
	return "", nil
}

func (r *rolling) router() derive.Router {
	for _, router := range r.config.Routers {
		if r.plan.Router != "" && router.Name() == r.plan.Router {
			return router
		}
	}
	return nil
}
