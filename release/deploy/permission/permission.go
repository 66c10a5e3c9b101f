// Package permission knows what the API server has to allow a user so that a
// command can do its work: no more, and no less.
//
//	rules, err := permission.Rules(permission.Upgrade, permission.Chart{Objects: objects, Hooks: hooks}, permission.Options{})
//
// It is the counterpart of package deploy: whoever changes what a step there
// asks of a cluster changes the tables of this package, and a test runs each
// command under exactly these rules and under all of them but one.
//
// Everybody who is known to a cluster may discover its kinds and ask for the
// own rights; these rules do not repeat that. What templates look up in the
// cluster cannot be known beforehand and is not in them either.
package permission

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// Command is what is to be allowed: one command, or a bundle of them.
type Command string

// The commands.
const (
	Plan      Command = "plan"
	Apply     Command = "apply"
	Install   Command = "install"
	Upgrade   Command = "upgrade"
	Rollback  Command = "rollback"
	Uninstall Command = "uninstall"
	Test      Command = "test"
	Status    Command = "status"
	History   Command = "history"
	List      Command = "list"
	Get       Command = "get"
	Drift     Command = "drift"
	Recover   Command = "recover"
	Migrate   Command = "migrate"

	Preflight Command = "preflight" // with --live

	RolloutStart   Command = "rollout-start"
	RolloutPromote Command = "rollout-promote" // also undo and refresh-config
	RolloutAbort   Command = "rollout-abort"
	RolloutStatus  Command = "rollout-status" // also list
	Guard          Command = "rollout-guard"  // measures rollouts and takes them back

	Rollout  Command = "rollout"  // all commands of rollouts
	Viewer   Command = "viewer"   // everything that only reads
	Deployer Command = "deployer" // all commands
	Approver Command = "approver" // a viewer who also sees pods, events and logs
)

// Commands lists all of them.
func Commands() []Command {
	return []Command{
		Plan, Apply, Install, Upgrade, Rollback, Uninstall, Test, Status, History, List, Get, Drift, Recover, Migrate, Preflight,
		RolloutStart, RolloutPromote, RolloutAbort, RolloutStatus, Guard,
		Rollout, Viewer, Deployer, Approver,
	}
}

// Chart is what a chart renders to. The zero value is a chart without anything.
type Chart struct {
	Objects []manifest.Object // of the manifest
	Hooks   []manifest.Hook
	CRDs    []manifest.Object // of the crds folders
}

// Records is where the records of releases are kept.
type Records string

// The places of records.
const (
	Secrets    Records = "secrets"
	ConfigMaps Records = "configmaps"
	Database   Records = "database" // needs no rights in the cluster
)

// Options are flags of the commands that need rights of their own. The zero
// value is a command without flags.
type Options struct {
	Records         Records // "" is Secrets
	Wait            bool
	Atomic          bool // implies Wait
	CleanupOnFail   bool
	Force           bool
	CreateNamespace bool
	ApplyCRDs       bool // upgrade --crds apply
	Install         bool // upgrade --install
	Out             bool // plan --out, with the plan kept in the cluster
	ShowResources   bool // status --show-resources
	WithHooks       bool // uninstall --with-hooks
	Policy          bool // --policy or --policy-file, which compare with what is in the cluster
}

// Rule allows verbs on one resource.
type Rule struct {
	Group, Resource string // Resource may name a subresource: pods/log
	Verbs           []string
	Names           []string // the only objects that it is about; none means all
	// Everywhere rules are about resources outside namespaces, or about all
	// namespaces: they belong into a ClusterRole.
	Everywhere bool
	// Optional rules are ones that a command can do without: it says less then,
	// or takes longer.
	Optional bool
	// Guessed says that the resource was derived from the name of a kind that
	// is not known here.
	Guessed bool
	// Purpose is what the rule is for.
	Purpose string
}

// UnknownCommandError names a command that there is not.
type UnknownCommandError struct{ Command Command }

func (e *UnknownCommandError) Error() string {
	return fmt.Sprintf("there is no command %q", string(e.Command))
}

// Rules returns what a command needs for a chart, in a fixed order: one rule
// for a resource, or two of which one is optional. The error is an
// *UnknownCommandError, or says which hook cannot be read.
func Rules(command Command, chart Chart, options Options) ([]Rule, error) {
	steps, known := stepsOf(command, options)
	if !known {
		return nil, &UnknownCommandError{command}
	}
	c, err := survey(chart, eventsOf(command, options))
	if err != nil {
		return nil, err
	}
	var all []Rule
	for _, step := range steps {
		for _, need := range table()[step] {
			all = append(all, need.rules(c, options)...)
		}
	}
	return merged(all), nil
}

// merged makes one rule of those about one resource and takes away from the
// optional ones what is allowed anyway.
func merged(all []Rule) []Rule {
	type key struct {
		group, resource      string
		everywhere, optional bool
		names                string
	}
	byKey := map[key]*Rule{}
	var order []key
	for _, r := range all {
		k := key{r.Group, r.Resource, r.Everywhere, r.Optional, fmt.Sprint(r.Names)}
		if byKey[k] == nil {
			r.Verbs = slices.Clone(r.Verbs)
			byKey[k] = &r
			order = append(order, k)
			continue
		}
		byKey[k].Verbs = append(byKey[k].Verbs, r.Verbs...)
	}
	var rules []Rule
	for _, k := range order {
		r := byKey[k]
		if needed := byKey[key{k.group, k.resource, k.everywhere, false, k.names}]; k.optional && needed != nil {
			r.Verbs = slices.DeleteFunc(r.Verbs, func(verb string) bool { return slices.Contains(needed.Verbs, verb) })
		}
		if len(r.Verbs) > 0 {
			slices.SortFunc(r.Verbs, compareVerbs)
			r.Verbs = slices.Compact(r.Verbs)
			rules = append(rules, *r)
		}
	}
	return rules
}

// compareVerbs puts reading before writing.
func compareVerbs(a, b string) int {
	order := []string{"get", "list", "watch", "create", "update", "patch", "delete", "bind"}
	return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), cmp.Compare(a, b))
}
