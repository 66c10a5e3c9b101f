package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/release/deploy"
)

// dryRunFlag is --dry-run of the commands that change releases. The zero value is none.
type dryRunFlag struct{ mode deploy.DryRun }

func (d *dryRunFlag) String() string {
	return [...]string{deploy.NoDryRun: "none", deploy.ClientDryRun: "client", deploy.ServerDryRun: "server"}[d.mode]
}

func (d *dryRunFlag) Type() string { return "string" }

// Set takes Helm's words; the error is Helm's.
func (d *dryRunFlag) Set(s string) error {
	switch s {
	case "", "none", "false":
		d.mode = deploy.NoDryRun
	case "client", "true", "unset":
		d.mode = deploy.ClientDryRun
	case "server":
		d.mode = deploy.ServerDryRun
	default:
		return errors.New("Invalid dry-run flag. Flag must one of the following: false, true, none, client, server")
	}
	return nil
}

func (d *dryRunFlag) register(f *pflag.FlagSet) {
	f.Var(d, "dry-run", "show what would be done and do nothing: client asks no cluster unless it has to, server has the cluster render and check with us")
	f.Lookup("dry-run").NoOptDefVal = "client"
}

// waitFlag is --wait, which Helm 3 has as a switch and Helm 4 with a strategy.
// Slipway has one strategy only, which watches.
type waitFlag bool

func (w *waitFlag) String() string { return strconv.FormatBool(bool(*w)) }
func (w *waitFlag) Type() string   { return "strategy" }

// Set takes true and false, and the strategies of Helm 4.
func (w *waitFlag) Set(s string) error {
	switch s {
	case "watcher", "legacy":
		*w = true
		return nil
	case "hookOnly":
		*w = false
		return nil
	}
	on, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("allowed are true, false, watcher, legacy and hookOnly")
	}
	*w = waitFlag(on)
	return nil
}

func (w *waitFlag) register(f *pflag.FlagSet, usage string) {
	f.Var(w, "wait", usage)
	f.Lookup("wait").NoOptDefVal = "true"
}

const (
	waitUsage    = "wait until everything is ready: rollouts complete, claims bound, services with endpoints. Fails early where waiting cannot help"
	timeoutUsage = "time that each wait may take: for a hook, and for everything to be ready"
	helmTimeout  = 5 * time.Minute
)

// changeFlags are those of install, upgrade and rollback.
type changeFlags struct {
	deploy.ChangeOptions
	dryRun     dryRunFlag
	wait       waitFlag
	crds       *choice
	skipCRDs   bool
	serverSide string
	operation  operationFlags
}

// register adds what all three commands have.
func (c *changeFlags) register(f *pflag.FlagSet) {
	c.dryRun.register(f)
	c.wait.register(f, waitUsage)
	f.BoolVar(&c.WaitForJobs, "wait-for-jobs", false, "with --wait, also wait until all jobs are complete")
	f.DurationVar(&c.Timeout, "timeout", helmTimeout, timeoutUsage)
	f.BoolVar(&c.NoHooks, "no-hooks", false, "run no hooks")
	f.BoolVar(&c.Force, "force", false, "replace objects, so that what others have set in them is lost, and recreate those of which an immutable field changes")
	f.BoolVar(&c.Force, "force-replace", false, "another name of --force, as in Helm 4")
	f.BoolVar(&c.TakeConflicts, "force-conflicts", false, "take fields that other field managers hold")
	f.BoolVar(&c.Recreate, "recreate", false, "delete and create objects of which an immutable field changes")
	f.StringVar(&c.Description, "description", "", "add a custom description")
	f.BoolVar(&c.CleanupOnFail, "cleanup-on-fail", false, "delete what a failed operation has created")
	f.StringVar(&c.serverSide, "server-side", "auto", "accepted for Helm 4's sake: objects are always applied by the server")
	f.Lookup("server-side").NoOptDefVal = "true"
	hide(f, "force-replace", "server-side")
	c.operation.register(f)
	c.operation.registerSettle(f)
}

// registerChart adds what the commands that render a chart have.
func (c *changeFlags) registerChart(f *pflag.FlagSet) {
	c.crds = newChoice("create", "apply", "plan", "skip")
	f.Var(c.crds, "crds", "what happens to the chart's CRDs: create those that are missing on an install, apply changes too and on upgrades, plan only reports them")
	f.BoolVar(&c.skipCRDs, "skip-crds", false, "the same as --crds skip")
	f.BoolVar(&c.Atomic, "atomic", false, "take the changes back if it fails; implies --wait")
	f.BoolVar(&c.Atomic, "rollback-on-failure", false, "another name of --atomic, as in Helm 4")
	f.BoolVar(&c.TakeOwnership, "take-ownership", false, "adopt objects that exist and belong to nobody or to another release")
	f.BoolVar(&c.CreateNamespace, "create-namespace", false, "create the namespace of the release if it is not there")
	f.StringToStringVarP(&c.Labels, "labels", "l", nil, "labels of the release's record, as name=value separated by commas; the value null removes one on an upgrade")
	f.Bool("disable-openapi-validation", false, "without effect: the API server checks what it applies")
	hide(f, "rollback-on-failure", "disable-openapi-validation")
}

// registerHistory adds --history-max.
func (c *changeFlags) registerHistory(f *pflag.FlagSet, getenv func(string) string) {
	addHistoryFlag(f, &c.HistoryMax, getenv)
}

func addHistoryFlag(f *pflag.FlagSet, to *int, getenv func(string) string) {
	const usual = 10
	most, err := strconv.Atoi(getenv("HELM_MAX_HISTORY"))
	if err != nil {
		most = usual
	}
	f.IntVar(to, "history-max", most, "limit the maximum number of revisions saved per release. Use 0 for no limit")
}

// options are the flags as package deploy takes them.
func (c *changeFlags) options() (deploy.ChangeOptions, error) {
	switch c.serverSide {
	case "true", "auto":
	case "false":
		return deploy.ChangeOptions{}, withHint(errors.New("--server-side=false: slipway applies objects by the server only"), "leave the flag out")
	default:
		return deploy.ChangeOptions{}, fmt.Errorf("--server-side=%s: allowed are true and auto", c.serverSide)
	}
	o := c.ChangeOptions
	o.DryRun, o.Wait, o.Settle = c.dryRun.mode, bool(c.wait), c.operation.settle
	if c.crds != nil {
		o.CRDs = map[string]deploy.CRDMode{
			"create": deploy.CreateCRDs, "apply": deploy.ApplyCRDs, "plan": deploy.PlanCRDs, "skip": deploy.SkipCRDs,
		}[c.crds.word]
	}
	if c.skipCRDs {
		o.CRDs = deploy.SkipCRDs
	}
	if o.Timeout <= 0 {
		return o, fmt.Errorf("--timeout %s: it has to be more than nothing", o.Timeout)
	}
	return o, nil
}
