package deploy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// RefreshRollout takes up what somebody has changed in ConfigMaps and Secrets
// since the rollout was planned, such as a credential that was rotated: it
// becomes part of the target, copies are made again, and the canary that uses
// them is rolled. The error is an *Error.
func RefreshRollout(ctx context.Context, config RolloutConfig, name string, options PromoteOptions) (*RolloutResult, error) {
	r := newRolling(config, name, options.Timeout)
	return r.command(ctx, func(ctx context.Context) error {
		if err := r.openExisting(ctx); err != nil {
			return err
		}
		if r.state().Committed {
			return &Error{Outcome: Refused, Release: name, Revision: r.state().Revision,
				Err: fmt.Errorf("the rollout of release %s is past its commit: the canary serves, and promote goes on", name)}
		}
		changed, err := r.changedConfig(ctx)
		if err != nil || len(changed) == 0 {
			return err
		}
		rolled, err := r.takeUp(ctx, changed)
		if err != nil {
			return r.halted(ctx, err)
		}
		if len(rolled) == 0 || r.state().Phase != rollout.Gate {
			return nil // the phase is done again, with what was taken up
		}
		if err := r.makeView(ctx, r.state().View()); err != nil {
			return r.halted(ctx, err)
		}
		if err := r.ready(ctx, rollout.CanarySide); err != nil {
			return r.halted(ctx, err)
		}
		return nil
	})
}

// takeUp makes live changes of configuration part of the target. It returns the
// workloads whose canary is made anew by that, which must not have traffic
// otherwise than by its number of pods: it would be sent to the pods that go.
func (r *rolling) takeUp(ctx context.Context, changed []manifest.Ref) (rolled []string, err error) {
	live, err := r.Cluster.Read(ctx, changed)
	if err != nil {
		return nil, err
	}
	base := map[manifest.Ref]map[string]any{}
	for _, o := range r.from {
		base[o.Ref] = o.Fields
	}
	r.to = slices.Clone(r.to)
	for i, o := range r.to {
		if slices.Contains(changed, o.Ref) && live[o.Ref] != nil {
			r.to[i].Fields = withLiveConfig(o.Fields, base[o.Ref], live[o.Ref])
		}
	}
	again := r.plan.Recopied(r.to)
	rolled = r.plan.Rolled(again, r.to)
	if view := r.state().View(); len(rolled) > 0 && (view.Pin == rollout.CanarySide || view.Routed && view.Weight > 0) {
		return nil, &Error{Outcome: Refused, Release: r.name, Revision: r.state().Revision,
			Err:   fmt.Errorf("the canary of %s would be made anew while traffic is sent to it", strings.Join(rolled, ", ")),
			Hints: []string{"'slipway rollout undo " + r.name + "' takes a step back; what has a router, or one step only, is aborted and started again"},
		}
	}
	r.plan = again
	if err := r.refreeze(ctx); err != nil {
		return nil, err
	}
	digests, err := r.configDigests(ctx)
	if err != nil {
		return nil, err
	}
	s := *r.state()
	if s.Derived, err = json.Marshal(r.plan); err != nil {
		return nil, err
	}
	s.Config = maps.Clone(s.Config)
	for ref, sum := range digests {
		s.Config[configKey(ref)] = sum
	}
	s.Hashes = maps.Clone(s.Hashes)
	for _, workload := range rolled { // they are learnt again
		s.Hashes[workload] = rollout.Hashes{Stable: s.Hashes[workload].Stable}
	}
	if err := r.store(ctx, s); err != nil {
		return nil, err
	}
	for _, ref := range changed {
		r.notify(Notice{Step: StepRollout, Ref: ref, Message: "what it has now is part of the target"})
	}
	return rolled, nil
}

// refreeze stores the target anew, under the same id.
func (r *rolling) refreeze(ctx context.Context) error {
	text, err := manifestText(r.to)
	if err != nil {
		return err
	}
	r.goal.Manifest = text
	record, err := r.goal.Encode()
	if err != nil {
		return err
	}
	f := &Frozen{
		Release: r.name, Namespace: r.Namespace, Kind: r.kind, Inputs: r.frozenInputs, Base: r.state().Base,
		Digest: r.state().TargetDigest, Chart: r.Audit.ChartDigest, Record: record, Labels: r.goal.Labels, Options: r.begunWith,
	}
	data, err := f.Encode()
	if err != nil {
		return err
	}
	return r.config.Rollouts.Freeze(ctx, r.name, r.state().ID, data)
}

// withLiveConfig gives a ConfigMap or Secret of the target the entries that
// somebody has changed in the live one since the base was applied.
func withLiveConfig(target, base, live map[string]any) map[string]any {
	changed := cloneMap(target)
	for _, field := range []string{"data", "binaryData"} {
		wanted, before, now := entries(target, field), entries(base, field), entries(live, field)
		for key, value := range now {
			if before[key] != value {
				wanted[key] = value
			}
		}
		for key := range before {
			if _, there := now[key]; !there {
				delete(wanted, key)
			}
		}
		delete(changed, field)
		if len(wanted) > 0 {
			changed[field] = wanted
		}
	}
	delete(changed, "stringData")
	return changed
}

// entries are a copy of a field of a ConfigMap or Secret; the plain text of a
// Secret is part of its data.
func entries(fields map[string]any, field string) map[string]any {
	all := cloneMap(fields[field])
	if field != "data" || fields["kind"] != "Secret" {
		return all
	}
	plain, _ := fields["stringData"].(map[string]any)
	for key, value := range plain {
		all[key] = base64.StdEncoding.EncodeToString(fmt.Append(nil, value))
	}
	return all
}
