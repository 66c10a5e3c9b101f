package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// leftoverText tells what a rollout has left behind and what becomes of it.
func leftoverText(name string, left *deploy.RolloutRecovery) string {
	var out strings.Builder
	if left.Revision > 0 {
		fmt.Fprintf(&out, "release %s: the rollout of revision %d cannot go on: %s\n", name, left.Revision, left.How)
	} else {
		fmt.Fprintf(&out, "release %s: there was a rollout: %s\n", name, left.How)
	}
	verb := "would be"
	if left.Done {
		verb = "is now"
	}
	list := func(refs []manifest.Ref, what string) {
		for _, ref := range refs {
			fmt.Fprintf(&out, "%s %s %s\n", ref, verb, what)
		}
	}
	if left.Rollback > 0 {
		fmt.Fprintf(&out, "revision %d is a copy of what the rollout had made; the release %s rolled back to revision %d\n", left.Deployed, verb, left.Rollback)
	}
	list(left.Restore, "as the deployed revision says")
	list(left.Remove, "deleted")
	if len(left.Restore)+len(left.Remove) == 0 {
		out.WriteString("nothing of it is left in the cluster but its state\n")
	}
	if left.Deployed > 0 && left.Rollback == 0 {
		fmt.Fprintf(&out, "revision %d is the one that is deployed\n", left.Deployed)
	}
	if !left.Done {
		out.WriteString("nothing was changed: run it with --yes to do this\n")
	}
	return out.String()
}

// runOrphans lists or deletes what is left of releases that are gone.
func (a *app) runOrphans(ctx context.Context, everywhere, yes bool) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	rollouts := c.client.Rollouts(c.namespace)
	namespace := c.namespace
	if everywhere {
		namespace = ""
	}
	orphans, err := rollouts.Orphans(ctx, namespace, func(ctx context.Context, namespace, name string) (bool, error) {
		there := *c
		there.namespace = namespace
		if err := a.openStore(ctx, &there); err != nil {
			return false, err
		}
		defer there.close()
		past, err := there.store.History(ctx, name)
		return len(past) > 0, err
	})
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, orphan := range orphans {
		if yes {
			if err := rollouts.RemoveOrphan(ctx, orphan); err != nil {
				return fmt.Errorf("delete Secret %s/%s: %w", orphan.Namespace, orphan.Name, err)
			}
		}
		out.WriteString(orphanText(orphan, yes))
	}
	switch {
	case len(orphans) == 0:
		out.WriteString("nothing is left behind\n")
	case !yes:
		out.WriteString("nothing was changed: run it with --yes to delete them\n")
	}
	return a.print(out.String())
}

func orphanText(orphan link.Orphan, deleted bool) string {
	verb := "would be"
	if deleted {
		verb = "is now"
	}
	return fmt.Sprintf("Secret %s/%s of release %s %s deleted: %s\n", orphan.Namespace, orphan.Name, orphan.Release, verb, orphan.Why)
}
