package deploy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// finishRollout records the revision that was launched as deployed, with the
// manifest that was rendered for it.
func (r *rolling) finishRollout(ctx context.Context) error {
	r.target.Manifest = r.goal.Manifest
	r.target.Info.Notes = r.goal.Info.Notes
	r.target.Operation.Images = imagesOf(r.to)
	description := cmp.Or(r.begunWith.Description, fmt.Sprintf("Rollout complete (%s)", r.state().Settings.Strategy))
	return r.finish(ctx, description, "RolledOut", r.keep)
}

// giveUp records the revision that was launched as failed; its manifest is that
// of the revision before, which is what is live.
func (r *rolling) giveUp(ctx context.Context) error {
	if r.target == nil {
		return nil // nothing was changed
	}
	s := r.state()
	why := s.Failure
	if why == "" {
		why = lastReason(s)
	}
	r.target.Manifest = r.base.Manifest
	r.target.Info.Status = release.StatusFailed
	r.target.Info.Description = strings.TrimSuffix(fmt.Sprintf("%s was taken back: %s", s.Settings.Strategy, why), ": ")
	if err := r.save(ctx); err != nil {
		return err
	}
	r.notify(Notice{Step: StepRecord, Message: fmt.Sprintf("revision %d is failed; revision %d is live", r.target.Version, s.Base)})
	r.event(ctx, "RolloutAborted", r.target.Info.Description, true)
	return nil
}

func lastReason(s *rollout.State) string {
	for _, entry := range slices.Backward(s.Journal) {
		if entry.Reason != "" {
			return entry.Reason
		}
	}
	return ""
}

// ChangedConfigError says that configuration is not what it was when a rollout
// was planned, so that a promotion would overwrite what somebody has changed.
type ChangedConfigError struct{ Objects []manifest.Ref }

func (e *ChangedConfigError) Error() string {
	names := make([]string, len(e.Objects))
	for i, ref := range e.Objects {
		names[i] = ref.String()
	}
	return "somebody has changed configuration since the rollout was planned: " + strings.Join(names, ", ")
}

// checkConfig makes sure that ConfigMaps and Secrets are what they were.
func (r *rolling) checkConfig(ctx context.Context) error {
	changed, err := r.changedConfig(ctx)
	if err != nil || len(changed) == 0 {
		return err
	}
	switch r.decision {
	case keepChanged:
		for _, ref := range changed {
			r.kept[ref] = true
		}
		return r.keepConfig(ctx, changed)
	case overwriteChanged:
		return nil
	}
	return &Error{
		Outcome: Failed, Release: r.name, Revision: r.state().Revision, Err: &ChangedConfigError{changed},
		Hints: []string{
			"'slipway rollout promote " + r.name + " --keep-live' leaves them as they are now, '--use-frozen' writes what was rendered",
		},
	}
}

// keepConfig remembers that configuration stays as somebody has made it.
func (r *rolling) keepConfig(ctx context.Context, refs []manifest.Ref) error {
	for _, ref := range refs {
		if !slices.Contains(r.plan.Kept, ref) {
			r.plan.Kept = append(r.plan.Kept, ref)
		}
	}
	return r.storePlan(ctx)
}

// storePlan stores what has changed in the plan.
func (r *rolling) storePlan(ctx context.Context) error {
	derived, err := json.Marshal(r.plan)
	if err != nil {
		return err
	}
	s := *r.state()
	s.Derived = derived
	return r.store(ctx, s)
}

func (r *rolling) changedConfig(ctx context.Context) ([]manifest.Ref, error) {
	now, err := r.configDigests(ctx)
	if err != nil {
		return nil, err
	}
	var changed []manifest.Ref
	for _, ref := range slices.SortedFunc(maps.Keys(now), compareRefs) {
		if before, known := r.state().Config[configKey(ref)]; known && before != now[ref] {
			changed = append(changed, ref)
		}
	}
	return changed, nil
}

func compareRefs(a, b manifest.Ref) int { return strings.Compare(configKey(a), configKey(b)) }

func configKey(ref manifest.Ref) string { return ref.Kind + "/" + ref.Namespace + "/" + ref.Name }

// configDigests identify the content of the release's live ConfigMaps and Secrets.
func (r *rolling) configDigests(ctx context.Context) (map[manifest.Ref]string, error) {
	var refs []manifest.Ref
	for _, o := range slices.Concat(r.from, r.to) {
		if o.Kind == "ConfigMap" || o.Kind == "Secret" {
			refs = append(refs, o.Ref)
		}
	}
	live, err := r.Cluster.Read(ctx, refs)
	if err != nil {
		return nil, fmt.Errorf("read the live configuration: %w", err)
	}
	digests := make(map[manifest.Ref]string, len(live))
	for ref, l := range live {
		text, err := json.Marshal([]any{l["data"], l["binaryData"]})
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		digests[ref] = hex.EncodeToString(sum[:])
	}
	return digests, nil
}
