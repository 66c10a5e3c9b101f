package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	helm "helm.sh/helm/v3/pkg/release"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy/permission"
	"github.com/e6d26078/slipway/release/manifest"
)

// guardName is the name of everything that --cronjob prints.
const guardName = "slipway-rollout-guard"

// printGuardJob prints a CronJob that looks after rollouts, and the rights for it.
func (a *app) printGuardJob(ctx context.Context, o *guardOptions, name string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	content, err := a.guardedContent(ctx, c, o, name)
	if err != nil {
		return err
	}
	rules, err := permission.Rules(permission.Guard, content, permission.Options{Records: a.recordsKind()})
	if err != nil {
		return err
	}
	if !o.everywhere { // what is only for looking at all namespaces
		rules = slices.DeleteFunc(rules, func(r permission.Rule) bool { return r.Everywhere && r.Optional })
	}
	return a.print(guardJobText(c.namespace, name, o, rules))
}

// guardedContent is what the releases have that a guard may have to take back:
// the objects of their newest revisions.
func (a *app) guardedContent(ctx context.Context, c *connection, o *guardOptions, name string) (permission.Chart, error) {
	var content permission.Chart
	options := release.ListOptions{Namespace: c.namespace}
	if o.everywhere {
		options.Namespace = ""
	}
	all, err := c.store.List(ctx, options)
	if err != nil {
		return content, err
	}
	all = slices.DeleteFunc((&listOptions{all: true}).newest(all), func(m release.Meta) bool { return name != "" && m.Name != name })
	if len(all) == 0 {
		what := "there are no releases here"
		if name != "" {
			what = "there is no release " + name
		}
		return content, withHint(errors.New("--cronjob: "+what+" whose kinds of objects would say which rights are needed"), "install a release first; 'slipway list -A' shows those of all namespaces")
	}
	err = a.inNamespaces(ctx, c, all, func(there *connection, m release.Meta) error {
		r, err := there.store.Get(ctx, m.Name, m.Version)
		if errors.Is(err, release.ErrNotFound) {
			return nil // uninstalled or pruned meanwhile
		}
		if err != nil {
			return err
		}
		objects, err := manifest.Objects(r.Manifest)
		if err != nil {
			return fmt.Errorf("read revision %d of release %s: %w", m.Version, m.Name, err)
		}
		content.Objects = append(content.Objects, objects...)
		for _, h := range r.Hooks { // a metric may be the chart's tests
			if slices.Contains(h.Events, helm.HookTest) {
				content.Hooks = append(content.Hooks, manifest.Hook{Name: h.Name, Path: h.Path, Manifest: h.Manifest, Events: []manifest.Event{manifest.Test}})
			}
		}
		return nil
	})
	return content, err
}

// guardJobText writes the manifests. With -A, what is in namespaces is allowed in all of them.
func guardJobText(namespace, name string, o *guardOptions, rules []permission.Rule) string {
	var out strings.Builder
	fmt.Fprintf(&out, "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: %s\n  namespace: %s\n", guardName, namespace)
	for _, everywhere := range []bool{false, true} {
		of := slices.DeleteFunc(slices.Clone(rules), func(r permission.Rule) bool { return (r.Everywhere || o.everywhere) != everywhere })
		if len(of) == 0 {
			continue
		}
		prefix, place := "", "  namespace: "+namespace+"\n"
		if everywhere {
			prefix, place = "Cluster", ""
		}
		fmt.Fprintf(&out, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %sRole\nmetadata:\n  name: %s\n%srules:\n", prefix, guardName, place)
		writeRules(&out, of)
		fmt.Fprintf(&out, "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %[1]sRoleBinding\nmetadata:\n  name: %[2]s\n%[3]s"+
			"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %[1]sRole, name: %[2]s}\nsubjects: [{kind: ServiceAccount, name: %[2]s, namespace: %[4]s}]\n",
			prefix, guardName, place, namespace)
	}
	args := []string{"slipway-cluster", "rollout", "guard"}
	switch {
	case name != "":
		args = append(args, name)
	case o.everywhere:
		args = append(args, "--all-namespaces")
	}
	fmt.Fprintf(&out, `---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: %s
  namespace: %s
spec:
  schedule: %q
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          serviceAccountName: %s
          restartPolicy: Never
          containers:
          - name: guard
            image: %q
            command: %s
`, guardName, namespace, o.schedule, guardName, o.image, flowList(args))
	return out.String()
}
