package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/rollout"
)

const rolloutPlanLong = `Show what 'slipway rollout start' would do with the same flags: which workloads and
Services take part and how, the steps with their numbers of pods, the share that
they reach and by how much that misses what was asked, the objects that stand
beside the release meanwhile, the hooks, and what the promotion changes in the
end. What stands in the way is listed with what to do about it. Nothing is changed.

The digest at the end can be given to 'slipway rollout start --expect-plan' and
'slipway rollout promote --expect-plan' by whoever has approved the plan.

Exit codes with --detailed-exitcode: 0 nothing would change, 11 something would.`

func newRolloutPlan(a *app) *cobra.Command {
	o := &startOptions{format: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   "plan NAME CHART",
		Short: "show what a rollout would do",
		Long:  rolloutPlanLong,
		Args:  exactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRolloutPlan(cmd.Context(), o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	o.register(f)
	o.change.registerHistory(f, a.env.Getenv)
	o.change.operation.register(f)
	f.StringVar(&o.expectPlan, "expect-plan", "", "refuse unless the plan has this digest")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 11 if something would change")
	hide(f, "dry-run")
	return cmd
}

func (a *app) runRolloutPlan(ctx context.Context, o *startOptions, name, chartName string) error {
	o.change.dryRun.mode = deploy.ServerDryRun
	work, _, err := a.prepareStart(ctx, o, name, chartName)
	if err != nil {
		return err
	}
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	config, err := a.deployConfig(c, &o.change.operation, a.warnings())
	if err != nil {
		return err
	}
	result, failure := work(ctx, rolloutConfig(c, config))
	var refused *derive.RefusedError
	if failure != nil && !errors.As(failure, &refused) {
		return failure
	}
	doc := rolloutPlanOf(name, config.Namespace, result, refused)
	a.ending.set(func(r *resultDoc) { r.Plan = doc.Digest })
	if err := a.printRolloutPlan(o, doc, result); err != nil || failure != nil {
		return errors.Join(err, failure)
	}
	if o.expectPlan != "" && o.expectPlan != result.Digest {
		return withHint(fmt.Errorf("the plan is %s, and %s was approved", result.Digest, o.expectPlan), "have this plan approved")
	}
	if o.detailed && doc.changesSomething() {
		return errChanges
	}
	return nil
}

// rolloutPlanDoc is what a rollout would do, as JSON. Nothing of the objects'
// content is in it.
type rolloutPlanDoc struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Release    string           `json:"release"`
	Namespace  string           `json:"namespace"`
	Base       int              `json:"base,omitempty"`
	Revision   int              `json:"revision,omitempty"`
	Strategy   rollout.Strategy `json:"strategy,omitempty"`
	Digest     string           `json:"digest,omitempty"`
	Steps      []stepDoc        `json:"steps"`
	Derived    *derive.Plan     `json:"derived,omitempty"`
	Objects    []manifest.Ref   `json:"objects"` // that stand beside the release while the canary runs
	Hooks      []hookDoc        `json:"hooks"`
	Warnings   []string         `json:"warnings"`
	Refusals   []derive.Reason  `json:"refusals"`
	Promotion  json.RawMessage  `json:"promotion,omitempty"` // as 'slipway plan --format json' has it

	upgrade *plan.Plan
}

// stepDoc is a step with what it reaches.
type stepDoc struct {
	Weight  int                 `json:"weight"`
	Gate    rollout.GateMode    `json:"gate"`
	Pause   string              `json:"pause,omitempty"`
	Implied bool                `json:"implied,omitempty"`
	Pods    map[string]splitDoc `json:"pods,omitempty"` // by workload
}

// splitDoc are the pods of both sides, and the share that gives by numbers alone.
type splitDoc struct {
	Stable   int     `json:"stable"`
	Canary   int     `json:"canary"`
	Achieved float64 `json:"achieved"` // per cent
	Error    float64 `json:"error"`    // points that the weight is missed by
}

// hookDoc is a hook that runs, and when.
type hookDoc struct {
	Event string           `json:"event"`
	Kind  string           `json:"kind"`
	Name  string           `json:"name"`
	When  rollout.HookTime `json:"when,omitempty"`
}

func rolloutPlanOf(name, namespace string, result *deploy.RolloutResult, refused *derive.RefusedError) *rolloutPlanDoc {
	doc := &rolloutPlanDoc{
		APIVersion: eventsVersion, Kind: "RolloutPlan", Release: name, Namespace: namespace,
		Steps: []stepDoc{}, Objects: []manifest.Ref{}, Hooks: []hookDoc{}, Warnings: []string{}, Refusals: []derive.Reason{},
	}
	if refused != nil {
		doc.Refusals = refused.Reasons
	}
	if result == nil {
		return doc
	}
	doc.Digest, doc.Derived, doc.upgrade = result.Digest, result.Plan, result.Upgrade
	byPods := result.Plan != nil && result.Plan.Router == ""
	if st := result.State; st != nil {
		doc.Base, doc.Revision, doc.Strategy = st.Base, st.Revision, st.Settings.Strategy
	}
	for _, s := range result.Steps {
		doc.Steps = append(doc.Steps, stepDocOf(s, byPods))
	}
	for _, o := range result.Objects {
		doc.Objects = append(doc.Objects, o.Ref)
	}
	if result.Plan != nil {
		doc.Warnings = append(doc.Warnings, result.Plan.Warnings...)
	}
	doc.addHooks(result)
	return doc
}

func (doc *rolloutPlanDoc) addHooks(result *deploy.RolloutResult) {
	if result.Upgrade == nil {
		return
	}
	for _, h := range result.Upgrade.Hooks {
		hook := hookDoc{Event: string(h.Event), Kind: h.Kind, Name: h.Name}
		if result.State != nil && h.Event == manifest.PreUpgrade {
			hook.When = result.State.Settings.Hooks
		}
		doc.Hooks = append(doc.Hooks, hook)
	}
}

func stepDocOf(s rollout.Step, byPods bool) stepDoc {
	doc := stepDoc{Weight: s.Weight, Gate: s.Gate, Implied: s.Implied}
	if doc.Gate == "" {
		doc.Gate = rollout.Manual
	}
	if s.Implied {
		doc.Gate = rollout.Auto
	}
	if s.Pause > 0 {
		doc.Pause = durationText(s.Pause)
	}
	for key, split := range s.Counts {
		if doc.Pods == nil {
			doc.Pods = map[string]splitDoc{}
		}
		pods := splitDoc{Stable: split.Stable, Canary: split.Canary, Achieved: float64(s.Weight)}
		if total := split.Stable + split.Canary; byPods && total > 0 && s.Weight < 100 { // all of it is by selectors
			pods.Achieved = math.Round(float64(split.Canary)/float64(total)*1e4) / 100
			pods.Error = math.Round(math.Abs(pods.Achieved-float64(s.Weight))*100) / 100
		}
		doc.Pods[key] = pods
	}
	return doc
}

// changesSomething reports whether a rollout of the plan would leave anything changed.
func (doc *rolloutPlanDoc) changesSomething() bool {
	return doc.upgrade == nil || !doc.upgrade.Empty()
}

func (a *app) printRolloutPlan(o *startOptions, doc *rolloutPlanDoc, result *deploy.RolloutResult) error {
	if o.format.word == "json" {
		if doc.upgrade != nil {
			text, err := doc.upgrade.JSON()
			if err != nil {
				return err
			}
			doc.Promotion = text
		}
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		return a.print(string(text) + "\n")
	}
	var out strings.Builder
	out.WriteString(rolloutPlanText(doc))
	if doc.upgrade != nil {
		out.WriteString("\nwhat the promotion changes:\n")
		if err := doc.upgrade.Text(&out, plan.TextOptions{Color: a.colours(), Context: 3}); err != nil {
			return err
		}
	}
	if doc.Digest != "" {
		fmt.Fprintf(&out, "\nplan %s\n", doc.Digest)
	}
	return a.print(out.String())
}

// rolloutPlanText is the plan for people. Refusals are the text of the error,
// which is printed beside it.
func rolloutPlanText(doc *rolloutPlanDoc) string {
	var out strings.Builder
	if doc.Derived == nil {
		return fmt.Sprintf("rollout of release %s in namespace %s: refused\n", doc.Release, doc.Namespace)
	}
	fmt.Fprintf(&out, "rollout of release %s in namespace %s: %s, revision %d over %d\n", doc.Release, doc.Namespace, doc.Strategy, doc.Revision, doc.Base)
	derivedText(&out, doc.Derived)
	out.WriteString("\nsteps:\n")
	for i, s := range doc.Steps {
		stepLines(&out, i, s)
	}
	if len(doc.Objects) > 0 {
		out.WriteString("\nobjects that stand beside the release meanwhile:\n")
		for _, ref := range doc.Objects {
			fmt.Fprintf(&out, "  + %s\n", ref)
		}
	}
	if len(doc.Hooks) > 0 {
		out.WriteString("\nhooks:\n")
		for _, h := range doc.Hooks {
			when := ""
			if h.When != "" {
				when = ", " + string(h.When)
			}
			fmt.Fprintf(&out, "  %s: %s %s%s\n", h.Event, h.Kind, h.Name, when)
		}
	}
	if len(doc.Warnings) > 0 {
		out.WriteString("\nwarnings:\n")
		for _, w := range doc.Warnings {
			fmt.Fprintf(&out, "  ! %s\n", printable(w))
		}
	}
	return out.String()
}

// derivedText says how workloads and Services take part.
func derivedText(out *strings.Builder, p *derive.Plan) {
	out.WriteString("\nworkloads:\n")
	if len(p.Workloads) == 0 {
		out.WriteString("  none changes its pods\n")
	}
	for _, w := range p.Workloads {
		fmt.Fprintf(out, "  %s: %s", w.Ref, formText(w))
		if w.Scaler != "" {
			fmt.Fprintf(out, ", scaled by HorizontalPodAutoscaler %s up to %d", w.Scaler, w.Max)
		}
		out.WriteString("\n")
	}
	for i, s := range p.Services {
		if i == 0 {
			out.WriteString("\nservices:\n")
		}
		fmt.Fprintf(out, "  %s: selects pods of %s", s.Ref, s.Workload)
		if s.Preview != "" {
			fmt.Fprintf(out, "; the canary alone is Service %s", s.Preview)
		}
		out.WriteString("\n")
	}
	if p.Router != "" {
		fmt.Fprintf(out, "  traffic is divided by: %s\n", p.Router)
	}
	for _, c := range p.Copies {
		fmt.Fprintf(out, "  %s: the canary uses the copy %s\n", c.Ref, c.Name)
	}
	for _, ref := range p.Kept {
		fmt.Fprintf(out, "  %s: is kept as it is, since it renders differently each time\n", ref)
	}
}

// formText says how the canary of a workload is made.
func formText(w derive.Workload) string {
	switch w.Form {
	case derive.Adoptable:
		return fmt.Sprintf("%d pods; the canary is Deployment %s, and its pods are taken over in the end", w.Replicas, w.Clone)
	case derive.Labelled:
		return fmt.Sprintf("%d pods; the canary is Deployment %s, and serves while the pods of the release are replaced in the end", w.Replicas, w.Clone)
	case derive.Partitioned:
		return fmt.Sprintf("%d pods; the canary are the last of them", w.Replicas)
	}
	return fmt.Sprintf("%d pods", w.Replicas)
}

func stepLines(out *strings.Builder, i int, s stepDoc) {
	fmt.Fprintf(out, "  %d. %d %%", i+1, s.Weight)
	if s.Pause != "" {
		fmt.Fprintf(out, " for %s", s.Pause)
	}
	switch {
	case s.Implied:
		out.WriteString(", the promotion")
	case s.Gate == rollout.Auto:
		out.WriteString(", goes on by itself")
	default:
		out.WriteString(", then a person decides")
	}
	out.WriteString("\n")
	keys := make([]string, 0, len(s.Pods))
	for key := range s.Pods {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		pods := s.Pods[key]
		fmt.Fprintf(out, "     %s: %d stable, %d canary: %s, %.1f points off\n", key, pods.Stable, pods.Canary, percent(pods.Achieved), pods.Error)
	}
}
