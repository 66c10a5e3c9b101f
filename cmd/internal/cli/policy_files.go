package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/policy"
)

// maxPolicy bounds one file of policies or data for them, maxPolicyFiles their number.
const (
	maxPolicy      = 4 << 20
	maxPolicyFiles = 2000
)

// readPolicies reads the files below folders whose names have one of the
// suffixes, in the order of their names. A file that is named itself is read
// whatever its name; what begins with a dot is left out, such as what mounted
// ConfigMaps have beside their files.
func readPolicies(paths []string, suffixes ...string) ([]policy.File, error) {
	var list []policy.File
	for _, root := range paths {
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			root += string(filepath.Separator) // follows a link
		}
		before := len(list)
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			hidden := name != root && strings.HasPrefix(entry.Name(), ".")
			switch {
			case err != nil:
				return err
			case hidden && entry.IsDir():
				return fs.SkipDir
			case hidden, entry.IsDir(), name != root && !slices.Contains(suffixes, filepath.Ext(name)):
				return nil
			}
			info, err := os.Stat(name)
			switch {
			case err != nil:
				return err
			case !info.Mode().IsRegular():
				return fmt.Errorf("%s is not a file", name)
			case info.Size() > maxPolicy:
				return fmt.Errorf("%s is larger than %d bytes", name, maxPolicy)
			case len(list) == maxPolicyFiles:
				return fmt.Errorf("more than %d files", maxPolicyFiles)
			}
			data, err := readFile(name)
			list = append(list, policy.File{Name: filepath.ToSlash(name), Data: data, Below: foldersBelow(root, name)})
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(list) == before {
			return nil, fmt.Errorf("%s has no file whose name ends in %s", filepath.Clean(root), suffixes[0])
		}
	}
	return list, nil
}

// foldersBelow are the folders between one that was named and a file in it.
func foldersBelow(root, name string) []string {
	below, err := filepath.Rel(root, filepath.Dir(name))
	if err != nil || below == "." || below == ".." {
		return nil
	}
	return strings.Split(filepath.ToSlash(below), "/")
}

// readLive reads what else is in the cluster that matters to a release. What
// the caller has no right to read is left out, with a note.
func readLive(ctx context.Context, lister deploy.Lister, set *policy.Set, config *policy.Config) (*policy.Live, []string, error) {
	kinds := policy.LiveKinds(set, config)
	found := make([][]policy.Fields, len(kinds))
	refused := make([]error, len(kinds))
	group, within := errgroup.WithContext(ctx)
	for i, k := range kinds {
		group.Go(func() (err error) {
			found[i], refused[i], err = listLive(within, lister, k, set.Namespace)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	live := &policy.Live{Complete: true}
	lists := map[string]*[]policy.Fields{"Ingress": &live.Ingresses, "Service": &live.Services, "Pod": &live.Pods}
	var notes []string
	for i, k := range kinds {
		to := lists[k.Kind]
		if to == nil {
			to = &live.Workloads
		}
		*to = append(*to, found[i]...)
		if refused[i] != nil {
			live.Complete = live.Complete && k.Everywhere
			notes = append(notes, fmt.Sprintf("not compared with all live %s: %v; 'slipway rbac preflight' prints the rights", plural(k.Kind), refused[i]))
		}
	}
	return live, notes, nil
}

// listLive lists the objects of a kind. Who may not list those of all
// namespaces gets those of the release's, and what was refused.
func listLive(ctx context.Context, lister deploy.Lister, k policy.LiveKind, namespace string) (found []policy.Fields, refused, err error) {
	where := namespace
	if k.Everywhere {
		where = ""
	}
	var forbidden *deploy.ForbiddenError
	found, err = lister.List(ctx, k.APIVersion, k.Kind, where, "")
	if errors.As(err, &forbidden) && k.Everywhere {
		refused = err
		found, err = lister.List(ctx, k.APIVersion, k.Kind, namespace, "")
	}
	switch {
	case errors.As(err, &forbidden):
		return nil, err, nil
	case err != nil:
		return nil, nil, fmt.Errorf("list the %s for policies: %w", plural(k.Kind), err)
	}
	return found, refused, nil
}

func plural(kind string) string {
	if kind == "Ingress" {
		return "Ingresses"
	}
	return kind + "s"
}
