package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/why"
)

const whyLong = `Show why a field of an object is what it is: the template line that wrote it with
the includes that led there, and the values that it depends on with the file and
line, or the flag, that set them.

What a field depends on is found by trying: each value that its template reads is
changed in turn, and the file is rendered again. Values whose text stands in the
field come first, then those that decide on it in another way, then those because
of which it is there.

FIELD is written as spec.template.spec.containers[0].image, containers[name=web].image,
metadata.labels["app.kubernetes.io/name"], metadata.labels.app\.kubernetes\.io/name or
as the JSON pointer /spec/replicas. The object is KIND/NAME, or KIND/NAMESPACE/NAME
where several have the name.

With --release NAME the question is about a release in the cluster: its record says
with which values it was rendered, and the answer tells the live value too, who
changed it last, and whether it is what the chart renders. The record of a release
does not hold the subcharts; name the chart if it has any. Hooks are among the
objects, and so is what a rollout has made for the time being: the answer is that
of the object it was made from.

Without a chart and --release the object is looked for in the cluster, and the
release in its annotations. Of one that no release has made the answer has the live
value, and who changed it last.

Data of Secrets are not shown.`

// whyOptions are the flags of "why".
type whyOptions struct {
	templateOptions
	release string
	output  *choice
	time    time.Duration
}

func newWhy(a *app) *cobra.Command {
	o := &whyOptions{output: newChoice("text", "json")}
	cmd := &cobra.Command{
		Use:   "why [[NAME] CHART] KIND/NAME FIELD",
		Short: "show which template line and which value made a field of an object",
		Long:  whyLong,
		Example: `slipway why web ./web Deployment/web spec.replicas -f prod.yaml
slipway why --release web Deployment/web 'spec.template.spec.containers[name=web].image'
slipway why Deployment/web spec.replicas`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runWhy(cmd.Context(), o, cmd, args)
		},
		PreRunE: func(cmd *cobra.Command, args []string) error {
			if !o.isLive(args) {
				return nil
			}
			return a.needCluster(cmd.Context())
		},
	}
	o.registerWhy(cmd.Flags())
	return cmd
}

func (o *whyOptions) registerWhy(f *pflag.FlagSet) {
	f.StringVar(&o.release, "release", "", "ask about this release in the cluster, with the values of its newest revision")
	f.VarP(o.output, "output", "o", "how to print the answer")
	f.DurationVar(&o.time, "timeout", time.Minute, "time that the search may take")
	f.BoolVar(&o.isUpgrade, "is-upgrade", false, "set .Release.IsUpgrade instead of .Release.IsInstall")
	f.StringVar(&o.kubeVersion, "kube-version", "", "Kubernetes version used for Capabilities.KubeVersion")
	f.StringSliceVarP(&o.apiVersions, "api-versions", "a", nil, "Kubernetes api versions used for Capabilities.APIVersions")
	o.name.register(f)
	o.chartInput.register(f)
	hide(f, "post-renderer", "post-renderer-args")
}

// whyQuestion is what is asked: the object and its field.
type whyQuestion struct {
	kind, namespace, name string
	field                 why.Path
}

func readWhyQuestion(object, field string) (*whyQuestion, error) {
	parts := strings.Split(object, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return nil, fmt.Errorf("object %q: it is written KIND/NAME or KIND/NAMESPACE/NAME, such as Deployment/web", object)
	}
	q := &whyQuestion{kind: parts[0], name: parts[len(parts)-1]}
	if len(parts) == 3 {
		q.namespace = parts[1]
	}
	var err error
	if q.field, err = why.ParsePath(field); err != nil {
		return nil, withHint(err, why.PathForms)
	}
	return q, nil
}

// checkWhy refuses arguments that cannot be followed, before anything is read.
func (o *whyOptions) checkWhy(cmd *cobra.Command, args []string) (*whyQuestion, error) {
	most := 4
	if o.release != "" {
		most = 3
	}
	if len(args) < 2 || len(args) > most {
		return nil, withHint(fmt.Errorf("%q takes 2 to %d arguments here, not %d", cmd.CommandPath(), most, len(args)),
			"usage: "+cmd.UseLine(), "about what is in the cluster: slipway why [--release NAME [CHART]] KIND/NAME FIELD")
	}
	if v := &o.values; o.isLive(args) && len(v.ValueFiles)+len(v.JSONValues)+len(v.Values)+len(v.StringValues)+len(v.FileValues)+len(v.LiteralValues) > 0 {
		return nil, errors.New("what is in the cluster has the values of its release: leave -f, --set and the like out, or name the chart")
	}
	if o.post.path != "" {
		return nil, errors.New("why looks at what templates render: leave --post-renderer out")
	}
	if o.time <= 0 {
		return nil, fmt.Errorf("--timeout %s: it has to be more than nothing", o.time)
	}
	return readWhyQuestion(args[len(args)-2], args[len(args)-1])
}

// isLive reports whether the question is about the cluster: a release is named, or no chart is.
func (o *whyOptions) isLive(args []string) bool {
	return o.release != "" || len(args) == 2
}

func (a *app) runWhy(ctx context.Context, o *whyOptions, cmd *cobra.Command, args []string) error {
	q, err := o.checkWhy(cmd, args)
	if err != nil {
		return err
	}
	live := o.isLive(args)
	args = args[:len(args)-2]
	switch {
	case o.release != "":
		return a.runWhyLive(ctx, o, q, args)
	case live:
		return a.runWhyObject(ctx, o, q)
	}
	r, err := a.newRendering(ctx, &o.templateOptions, args)
	if err != nil {
		return err
	}
	x, err := a.explore(ctx, o, r)
	if err != nil {
		return err
	}
	answer, err := a.ask(ctx, r, x, q)
	if err != nil {
		return err
	}
	return a.printWhy(o, answer)
}

// explore renders the chart for questions.
func (a *app) explore(ctx context.Context, o *whyOptions, r *rendering) (*why.Explorer, error) {
	x, err := why.New(ctx, r.program, r.input, why.Options{Compat: r.compat, Time: o.time, Now: a.env.Now})
	if err != nil {
		return nil, r.explain(ctx, err, nil)
	}
	return x, nil
}

// ask answers a question about what the chart renders to.
func (a *app) ask(ctx context.Context, r *rendering, x *why.Explorer, q *whyQuestion) (*whyAnswer, error) {
	object, err := q.find(x)
	if err != nil {
		return nil, err
	}
	found, err := x.Ask(ctx, object, q.field)
	var missing *why.NoFieldError
	if errors.As(err, &missing) {
		return nil, withHint(fmt.Errorf("%s/%s (%s): %w", object.Kind, object.Name, object.File, err), whyNear(missing))
	}
	if err != nil {
		return nil, err
	}
	explainer, err := newExplainer(r.chart, r.user, r.compat)
	if err != nil {
		return nil, err
	}
	return r.whyAnswer(found, explainer), nil
}

// find returns the object that is asked about.
func (q *whyQuestion) find(x *why.Explorer) (*why.Object, error) {
	found := x.Find(q.kind, q.namespace, q.name)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, withHint(fmt.Errorf("the chart does not render %s/%s", q.kind, q.name), q.others(x))
	}
	var places []string
	for _, o := range found {
		places = append(places, fmt.Sprintf("%s/%s/%s (%s)", o.Kind, cmp.Or(o.Namespace, "-"), o.Name, o.File))
	}
	if q.namespace == "" {
		for _, o := range found {
			if o.Namespace != found[0].Namespace {
				return nil, withHint(fmt.Errorf("the chart renders %d objects %s/%s: %s", len(found), q.kind, q.name, strings.Join(places, ", ")),
					"name the namespace: KIND/NAMESPACE/NAME")
			}
		}
	}
	return found[len(found)-1], nil // of equal ones Helm keeps the last
}

// others names the objects that may be meant: those of the kind, else those of the name, else all.
func (q *whyQuestion) others(x *why.Explorer) string {
	var ofKind, ofName, all []string
	for _, o := range x.Objects() {
		name := o.Kind + "/" + o.Name
		all = append(all, name)
		switch {
		case strings.EqualFold(o.Kind, q.kind):
			ofKind = append(ofKind, name)
		case o.Name == q.name:
			ofName = append(ofName, name)
		}
	}
	list := all
	switch {
	case len(ofKind) > 0:
		list = ofKind
	case len(ofName) > 0:
		list = ofName
	}
	return whyList(list)
}

// whyList names objects.
func whyList(list []string) string {
	const most = 12
	if len(list) == 0 {
		return "there are no objects at all"
	}
	slices.Sort(list)
	list = slices.Compact(list)
	text := "there are " + strings.Join(list[:min(most, len(list))], ", ")
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}

// whyNear names what there is in the place of a field that there is not.
func whyNear(e *why.NoFieldError) string {
	if len(e.Have) == 0 {
		return "there is nothing below it"
	}
	return clip("there are " + strings.Join(e.Have, ", "))
}

// whyOrigins are the places that give a value, the one that won first. What a
// flag says beside the path may be secret.
func whyOrigins(x *values.Explainer, path []string) []values.Origin {
	origins := slices.Clone(x.Explain(path...).Origins)
	for i := range origins {
		if origins[i].Flag != "" {
			origins[i].Text = values.FormatPath(origins[i].Path)
		}
	}
	return origins
}
