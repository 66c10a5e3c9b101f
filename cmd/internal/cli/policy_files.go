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
			list = append(list, policy.File{Name: filepath.ToSlash(name), Data: data})
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

// readLive reads what else is in the cluster that matters to a release. What
// the caller has no right to read is left out, with a note.
func readLive(ctx context.Context, lister deploy.Lister, set *policy.Set) (*policy.Live, []string, error) {
	live := &policy.Live{Complete: true}
	lists := []struct {
		version, kind, namespace string
		to                       *[]policy.Fields
	}{
		{"networking.k8s.io/v1", "Ingress", "", &live.Ingresses},
		{"v1", "Service", set.Namespace, &live.Services},
		{"v1", "Pod", set.Namespace, &live.Pods},
		{"apps/v1", "Deployment", set.Namespace, &live.Workloads},
		{"apps/v1", "StatefulSet", set.Namespace, &live.Workloads},
		{"apps/v1", "DaemonSet", set.Namespace, &live.Workloads},
	}
	found := make([][]policy.Fields, len(lists))
	refused := make([]error, len(lists))
	group, within := errgroup.WithContext(ctx)
	for i, l := range lists {
		group.Go(func() (err error) {
			found[i], err = lister.List(within, l.version, l.kind, l.namespace, "")
			var forbidden *deploy.ForbiddenError
			if errors.As(err, &forbidden) && l.namespace == "" {
				found[i], refused[i] = nil, err
				l.namespace = set.Namespace
				found[i], err = lister.List(within, l.version, l.kind, l.namespace, "")
			}
			if errors.As(err, &forbidden) {
				refused[i], err = err, nil
			}
			if err != nil {
				return fmt.Errorf("list the %ss for policies: %w", l.kind, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var notes []string
	for i, l := range lists {
		*l.to = append(*l.to, found[i]...)
		if refused[i] != nil {
			live.Complete = live.Complete && l.namespace == ""
			notes = append(notes, fmt.Sprintf("not compared with all live %s: %v", plural(l.kind), refused[i]))
		}
	}
	return live, notes, nil
}

func plural(kind string) string {
	if kind == "Ingress" {
		return "Ingresses"
	}
	return kind + "s"
}
