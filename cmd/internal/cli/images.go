package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

const imagesLong = `List every image that is needed by any revision of a release that is still kept: by
its manifest, its hooks, and what a rollout under way is going to promote. What is
not in the list can be removed from a registry without that a rollback, a test or
an uninstall would miss it.

Without NAME it is that of all releases of the namespace, or of all with -A. Each
revision is read for this.`

// imageUser is an image and what needs it.
type imageUser struct {
	Image string        `json:"image"`
	For   []imageNeeded `json:"for"`
}

// imageNeeded is a revision that needs an image. The revision of a rollout that is
// under way has it from its frozen target.
type imageNeeded struct {
	Namespace string `json:"namespace"`
	Release   string `json:"release"`
	Revision  int    `json:"revision"`
}

func newImages(a *app) *cobra.Command {
	everywhere := false
	format := newChoice("text", "json")
	cmd := &cobra.Command{
		Use:   "images [NAME...]",
		Short: "list the images that kept revisions need",
		Long:  imagesLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runImages(cmd.Context(), args, everywhere, format.word)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&everywhere, "all-namespaces", "A", false, "look at the releases of all namespaces")
	f.VarP(format, "output", "o", "how to print them; JSON says what needs each")
	return cmd
}

func (a *app) runImages(ctx context.Context, names []string, everywhere bool, format string) error {
	if everywhere && len(names) > 0 {
		return errors.New("a release is in one namespace: leave the names or --all-namespaces out")
	}
	for _, name := range names {
		if err := checkReleaseName(name); err != nil {
			return err
		}
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	found := map[string][]imageNeeded{}
	if err := a.collectImages(ctx, c, names, everywhere, found); err != nil {
		return err
	}
	list := []imageUser{}
	for image, users := range found {
		slices.SortFunc(users, func(a, b imageNeeded) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Release, b.Release), cmp.Compare(a.Revision, b.Revision))
		})
		list = append(list, imageUser{image, slices.Compact(users)})
	}
	slices.SortFunc(list, func(a, b imageUser) int { return cmp.Compare(a.Image, b.Image) })
	if format == "json" {
		text, err := jsonText(list)
		if err != nil {
			return err
		}
		return a.print(text)
	}
	var out strings.Builder
	for _, user := range list {
		out.WriteString(printable(user.Image) + "\n")
	}
	return a.print(out.String())
}

// collectImages reads the revisions and the frozen targets of rollouts. What
// cannot be read is an error: a list that lacks an image would have it removed.
func (a *app) collectImages(ctx context.Context, c *connection, names []string, everywhere bool, found map[string][]imageNeeded) error {
	options := release.ListOptions{Namespace: c.namespace}
	if everywhere {
		options.Namespace = ""
	}
	all, err := c.store.List(ctx, options)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(m release.Meta) bool { return m.Name == name }) {
			return missingRelease(&deploy.NoReleaseError{Release: name, Reason: "has no revisions"}, "release: not found")
		}
	}
	wanted := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	err = a.inNamespaces(ctx, c, all, func(there *connection, m release.Meta) error {
		if !wanted(m.Name) {
			return nil
		}
		r, err := there.store.Get(ctx, m.Name, m.Version)
		if errors.Is(err, release.ErrNotFound) {
			return nil // pruned meanwhile
		}
		if err != nil {
			return err
		}
		return addImages(found, r)
	})
	if err != nil {
		return err
	}
	states, err := c.client.Rollouts(c.namespace).List(ctx, options.Namespace)
	if err != nil {
		return fmt.Errorf("list the rollouts: %w", err)
	}
	for i := range states {
		st := &states[i].State
		if !wanted(st.Release) {
			continue
		}
		frozen, err := c.client.Rollouts(st.Namespace).Target(ctx, st.Release, st.ID)
		if errors.Is(err, release.ErrNotFound) {
			continue // over meanwhile
		}
		if err != nil {
			return fmt.Errorf("read the target of the rollout of %s: %w", st.Release, err)
		}
		r, err := frozenRecord(frozen)
		if err != nil {
			return fmt.Errorf("read the target of the rollout of %s: %w", st.Release, err)
		}
		if err := addImages(found, r); err != nil {
			return err
		}
	}
	return nil
}

// frozenRecord is the revision that a rollout is going to promote.
func frozenRecord(data []byte) (*release.Record, error) {
	frozen, err := deploy.DecodeFrozen(data)
	if err != nil {
		return nil, err
	}
	return release.Decode(frozen.Record)
}

func addImages(found map[string][]imageNeeded, r *release.Record) error {
	images, err := deploy.Images(r)
	if err != nil {
		return fmt.Errorf("revision %d of release %s: %w", r.Version, r.Name, err)
	}
	for _, image := range images {
		found[image] = append(found[image], imageNeeded{r.Namespace, r.Name, r.Version})
	}
	return nil
}

// inNamespaces does something with each revision, with a store of its namespace.
func (a *app) inNamespaces(ctx context.Context, c *connection, all []release.Meta, do func(*connection, release.Meta) error) error {
	there := c
	for _, m := range all {
		if m.Namespace != there.namespace {
			if there != c {
				_ = there.close()
			}
			other := *c
			other.namespace = m.Namespace
			if err := a.openStore(ctx, &other); err != nil {
				return err
			}
			there = &other
		}
		if err := do(there, m); err != nil {
			return err
		}
	}
	if there != c {
		_ = there.close()
	}
	return nil
}
