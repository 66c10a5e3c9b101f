package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/origin"
)

// policyFlags say by which policies a release is checked before it is there.
type policyFlags struct {
	dirs       []string
	data       []string
	namespaces []string
	combine    bool
	version    *choice
	file       string
	timeout    time.Duration
}

func (p *policyFlags) register(f *pflag.FlagSet) {
	p.version = newChoice("auto", "v0", "v1")
	f.StringArrayVar(&p.dirs, "policy", nil, "folder or file with policies in Rego, as conftest takes them: what a deny or violation finds is not done")
	f.StringArrayVar(&p.data, "policy-data", nil, "folder or file with data for the policies, in YAML or JSON")
	f.StringArrayVar(&p.namespaces, "policy-namespace", nil, "package whose rules count, * for all (default main)")
	f.BoolVar(&p.combine, "policy-combine", false, "hand all objects to the policies at once")
	f.Var(p.version, "policy-rego", "version of the language of the policies")
	f.DurationVar(&p.timeout, "policy-timeout", 30*time.Second, "time that the policies may take")
	f.StringVar(&p.file, "policy-file", "", "policy.yaml: severities of the built-in checks, and exceptions")
}

// given reports whether any check is asked for.
func (p *policyFlags) given() bool { return len(p.dirs) > 0 || p.file != "" }

// check refuses flags that mean nothing.
func (p *policyFlags) check() error {
	switch {
	case len(p.dirs) == 0 && (len(p.data) > 0 || len(p.namespaces) > 0 || p.combine):
		return errors.New("--policy-data, --policy-namespace and --policy-combine need --policy")
	case p.timeout <= 0:
		return fmt.Errorf("--policy-timeout %s: it has to be more than nothing", p.timeout)
	}
	return nil
}

// gate checks what is to be brought about. Nil lets everything pass.
type gate struct {
	config   *policy.Config
	policies policy.Evaluator // nil if there are none
	compat   engine.Compat
	told     map[string]bool // warnings, so that none comes twice
	found    func(*policy.Report)
}

// newGate reads and compiles what the flags name.
func (a *app) newGate(p *policyFlags, compat engine.Compat) (*gate, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	g := &gate{config: &policy.Config{}, compat: compat, told: map[string]bool{}, found: a.foundByPolicies}
	if p.file != "" {
		data, err := readFile(p.file)
		if err != nil {
			return nil, fmt.Errorf("--policy-file: %w", err)
		}
		if g.config, err = policy.ParseConfig(data, p.file, a.env.Now()); err != nil {
			return nil, fmt.Errorf("--policy-file: %w", err)
		}
	}
	if len(p.dirs) == 0 {
		return g, nil
	}
	modules, err := readPolicies(p.dirs, ".rego")
	if err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	data, err := readPolicies(p.data, ".yaml", ".yml", ".json")
	if err != nil {
		return nil, fmt.Errorf("--policy-data: %w", err)
	}
	if !isTunedByUser(a.env.Getenv) {
		collectAsUsual()
	}
	options := policy.RegoOptions{Namespaces: p.namespaces, Combine: p.combine, Time: p.timeout}
	if p.version.word != "auto" {
		options.Version = p.version.word
	}
	if g.policies, err = a.env.Backend.Policies(modules, data, options); err != nil {
		return nil, fmt.Errorf("--policy: %w", err)
	}
	return g, nil
}

// openGate has the operations that follow be checked, if the flags ask for it.
func (a *app) openGate(p *policyFlags, compat engine.Compat) (err error) {
	if err := p.check(); err != nil || !p.given() {
		return err
	}
	a.gate, err = a.newGate(p, compat)
	return err
}

// examine makes all checks. Where finds the lines of what was found, if there
// is anything; it may give nil. So may lister be, which reads what else is in
// the cluster.
func (g *gate) examine(ctx context.Context, set *policy.Set, where func() *origin.Finder, lister deploy.Lister) (*policy.Report, error) {
	var notes []string
	if lister != nil {
		var err error
		if set.Live, notes, err = readLive(ctx, lister, set, g.config); err != nil {
			return nil, err
		}
	}
	report := policy.Check(set, g.config)
	report.Notes = append(notes, report.Notes...)
	if g.policies != nil {
		checks, findings, err := g.policies.Evaluate(ctx, set)
		if err != nil {
			return nil, fmt.Errorf("--policy: %s", policy.Hide(set, err.Error()))
		}
		report.Add(set, g.config, checks, findings)
	}
	if len(report.Findings) == 0 {
		return report, nil
	}
	if finder := where(); finder != nil {
		for i := range report.Findings {
			finder.Locate(ctx, &report.Findings[i])
		}
		report.Sort()
	}
	g.found(report)
	return report, nil
}

// reviewer is what operations ask. Without a client no cluster is asked.
func (g *gate) reviewer(client link.Client, observe func(deploy.Notice)) func(context.Context, deploy.Review) error {
	if g == nil {
		return nil
	}
	return func(ctx context.Context, r deploy.Review) error {
		set := &policy.Set{Release: r.Release, Namespace: r.Namespace, Objects: r.Objects, Hooks: r.Hooks, CRDs: r.CRDs}
		where := func() *origin.Finder {
			if r.Program != nil {
				return origin.New(r.Program, r.Input, g.compat)
			}
			return g.again(ctx, client, &r)
		}
		var lister deploy.Lister
		if client != nil {
			lister = client
		}
		report, err := g.examine(ctx, set, where, lister)
		if err != nil {
			return err
		}
		g.tell(report, observe)
		return denied(report)
	}
}

// again finds lines in the chart of a record, for a revision that was rendered
// earlier: a rollback's, an approved plan's, a rollout's. It is nil where that
// cannot be rendered again; records hold no subcharts.
func (g *gate) again(ctx context.Context, client link.Client, r *deploy.Review) *origin.Finder {
	if client == nil || r.Record.Chart == nil || r.Record.Chart.Metadata == nil || len(r.Record.Chart.Metadata.Dependencies) > 0 {
		return nil
	}
	input, err := storedInput(ctx, client, r.Record)
	if err != nil {
		return nil
	}
	program, err := engine.Compile(r.Record.Chart, engine.Options{Compat: g.compat})
	if err != nil {
		return nil
	}
	finder := origin.New(program, input, g.compat)
	finder.Expect(r.Objects...)
	finder.Expect(r.Hooks...)
	return finder
}

// storedInput is what a revision was rendered from, as far as its record says.
func storedInput(ctx context.Context, client link.Client, r *release.Record) (engine.Input, error) {
	capabilities, err := client.Capabilities(ctx)
	return engine.Input{
		Release: engine.Release{Name: r.Name, Namespace: r.Namespace, Revision: r.Version, Upgrade: r.Version > 1},
		Values:  r.Config, Capabilities: capabilities, Lookup: rememberedLookup(client.Lookup(ctx)),
		SkipSchema: true, SkipKubeVersion: true,
	}, err
}

// tell passes on what does not stop the release.
func (g *gate) tell(report *policy.Report, observe func(deploy.Notice)) {
	warn := func(message string) {
		if !g.told[message] {
			g.told[message] = true
			observe(deploy.Notice{Step: deploy.StepWarning, Message: message})
		}
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		if f.Severity == policy.Warn && f.Exception == "" {
			warn(toldOf(f))
		}
	}
	for _, n := range report.Notes {
		warn("policy: " + n)
	}
}

// toldOf is what is said of a finding that does not stop the release.
func toldOf(f *policy.Finding) string { return fmt.Sprintf("policy %s: %s", f.Check, findingLine(f)) }

// findingLine is a finding in one line.
func findingLine(f *policy.Finding) string {
	text := f.Message
	if f.Ref.Kind != "" {
		text = f.Ref.String() + ": " + text
	}
	if where := f.Where(); where != "" {
		text += " (" + where + ")"
	}
	return text
}

// denied is the error of a release that policies stop; nil if none does.
func denied(report *policy.Report) error {
	count := report.Denied()
	if count == 0 {
		return nil
	}
	only := *report
	only.Findings = nil
	for _, f := range report.Findings {
		if f.Severity == policy.Deny && f.Exception == "" {
			only.Findings = append(only.Findings, f)
		}
	}
	return &failure{
		err:     deniedError(report),
		details: printable(only.FindingsText()),
		hints:   []string{"mend the chart or its values; what is accepted is written as an exception into the file of --policy-file"},
	}
}

func deniedError(report *policy.Report) error {
	if report.Denied() == 1 {
		return fmt.Errorf("policies stop release %s: 1 finding", report.Release)
	}
	return fmt.Errorf("policies stop release %s: %d findings", report.Release, report.Denied())
}
