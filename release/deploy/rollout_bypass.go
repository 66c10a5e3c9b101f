package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// bypassed tells how somebody went on with the release beside its rollout, ""
// if nobody did.
func bypassed(past []release.Meta, s *rollout.State) string {
	if len(past) == 0 {
		return "the release was uninstalled"
	}
	newest := &past[len(past)-1]
	ours := newest.Version == s.Revision && newest.Operation != nil && newest.Operation.ID == s.ID
	early := isEarly(s.Phase) || s.Phase == rollout.Restoring && !slices.ContainsFunc(s.Journal, func(e rollout.Entry) bool {
		return !isEarly(e.Phase) && e.Phase != rollout.Restoring
	})
	switch {
	case ours && newest.Status.IsPending():
		return ""
	case ours && newest.Status == release.StatusDeployed && (s.Phase == rollout.Cleaning || s.Phase == rollout.Done):
		return "" // the end was interrupted
	case ours && newest.Status == release.StatusFailed && (s.Phase == rollout.Restoring || s.Phase == rollout.Aborted):
		return "" // likewise
	case newest.Version == s.Revision-1 && !newest.Status.IsPending() && early:
		return "" // the record is still to be written
	case newest.Version < s.Revision:
		return fmt.Sprintf("the record of revision %d is gone", s.Revision)
	}
	return fmt.Sprintf("revision %d is %s", newest.Version, newest.Status)
}

// isEarly reports whether the record of a rollout may not be there yet in a phase.
func isEarly(p rollout.Phase) bool { return p == rollout.Planned || p == rollout.Preparing }

// overtaken is the error for a release that somebody else went on with. The
// rollout's record is made harmless first.
func (r *rolling) overtaken(ctx context.Context, how string) *Error {
	r.defuse(ctx)
	return &Error{
		Outcome: Locked, Release: r.name, Revision: r.state().Revision,
		Err:   &BypassedError{Release: r.name, Revision: r.state().Revision, How: how},
		Hints: []string{recoverHint(r.name)},
	}
}

// defuse makes the record of a rollout that somebody went on beside say what the
// stable revision says, so that a rollback to it does not launch the canary. Best
// effort: recover does all that is needed.
func (r *rolling) defuse(ctx context.Context) {
	s := r.state()
	newest := r.newest()
	if newest == nil || newest.Version <= s.Revision {
		return
	}
	record, err := r.read(ctx, s.Revision)
	if err != nil || record.Operation == nil || record.Operation.ID != s.ID {
		return
	}
	base, err := r.read(ctx, s.Base)
	if err != nil || record.Manifest == base.Manifest && record.Info.Status == release.StatusFailed {
		return
	}
	record.Manifest, record.Info.Status = base.Manifest, release.StatusFailed
	record.Info.Description = "somebody went on beside the rollout; the manifest is that of the stable revision"
	if err := r.Store.Update(ctx, record); err != nil {
		r.warn(fmt.Sprintf("mark revision %d as failed: %v", record.Version, err))
	}
}

// withTarget adds the wanted objects of which the target has another document:
// a promotion that was under way may have written it after somebody went on.
func (r *rolling) withTarget(ctx context.Context, restore, wanted []manifest.Object) []manifest.Object {
	target, err := r.frozenObjects(ctx)
	if err != nil {
		r.warn(err.Error())
		return restore
	}
	for _, o := range differing(wanted, target) {
		if !r.kept[o.Ref] && !slices.ContainsFunc(restore, func(is manifest.Object) bool { return is.Ref == o.Ref }) {
			restore = append(restore, o)
		}
	}
	return restore
}

// frozenObjects are those of the target of the rollout.
func (r *rolling) frozenObjects(ctx context.Context) ([]manifest.Object, error) {
	_, goal, err := r.frozenTarget(ctx)
	if err != nil {
		return nil, err
	}
	return r.earlierObjects(ctx, goal)
}

// BypassedError says that somebody went on with a release beside its rollout.
type BypassedError struct {
	Release  string
	Revision int // of the rollout
	How      string
}

func (e *BypassedError) Error() string {
	if e.Revision == 0 {
		return fmt.Sprintf("release %s: somebody went on beside a rollout: %s", e.Release, e.How)
	}
	return fmt.Sprintf("release %s: somebody went on beside the rollout of revision %d: %s", e.Release, e.Revision, e.How)
}

func recoverHint(name string) string {
	return "'slipway recover " + name + "' shows what the rollout has left behind, and with --yes brings it back"
}

// lookPause is how often a wait looks whether somebody went on with the release.
const lookPause = 2 * time.Second

// errOvertaken ends a wait for what will not come any more.
var errOvertaken = errors.New("somebody went on with the release")

// attentively waits, and stops when somebody goes on with the release.
func (r *rolling) attentively(ctx context.Context, wait func(ctx context.Context) error) error {
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := *r.state()
	go func() {
		ticker := time.NewTicker(lookPause)
		defer ticker.Stop()
		for {
			select {
			case <-within.Done():
				return
			case <-ticker.C:
			}
			if past, err := r.Store.History(within, r.name); err == nil && bypassed(past, &s) != "" {
				cancel(errOvertaken)
				return
			}
		}
	}()
	err := wait(within)
	if errors.Is(context.Cause(within), errOvertaken) && ctx.Err() == nil {
		if overtaken := r.fence(ctx); overtaken != nil {
			return overtaken
		}
	}
	return err
}
