package deploy

import (
	"context"
	"fmt"

	"github.com/e6d26078/slipway/release"
)

// RecoverOptions choose what Recover does.
type RecoverOptions struct {
	// Confirm repairs; without it Recover only reports.
	Confirm bool
}

// Recovery is what is wrong with the records of a release and what mends it.
type Recovery struct {
	Revision int            // 0 if nothing is wrong
	Status   release.Status // what it is
	Ours     bool           // an operation of slipway wrote it
	Becomes  release.Status // what it is made
	Deployed int            // revision that is in force then; 0 if there is none
	Done     bool
}

// Recover repairs a release whose newest revision is pending although nobody
// works on it, whoever wrote it: the revision is marked as failed, and the next
// upgrade goes on from there. The objects in the cluster are left as they are.
func Recover(ctx context.Context, config Config, name string, options RecoverOptions) (*Recovery, error) {
	o := newOperation(config, "recover", name, "")
	found := &Recovery{}
	err := o.locked(ctx, func(ctx context.Context) error {
		past, err := o.history(ctx)
		if err != nil {
			return err
		}
		o.past = past
		newest := o.newest()
		if newest == nil {
			return &NoReleaseError{Release: name, Reason: "does not exist"}
		}
		for _, m := range past {
			if m.Status == release.StatusDeployed {
				found.Deployed = m.Version
			}
		}
		if !unfinished(newest.Status) {
			return nil
		}
		if isRollout(newest) {
			return o.beingRolledOut(newest.Version)
		}
		found.Revision, found.Status, found.Ours, found.Becomes = newest.Version, newest.Status, newest.Operation != nil, release.StatusFailed
		if !options.Confirm {
			return nil
		}
		r, err := o.Store.Get(ctx, name, newest.Version)
		if err != nil {
			return err
		}
		r.Info.Status = found.Becomes
		r.Info.Description = fmt.Sprintf("was %s and nobody was at work on it; marked as failed by slipway recover", found.Status)
		if err := o.Store.Update(ctx, r); err != nil {
			return err
		}
		found.Done = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
