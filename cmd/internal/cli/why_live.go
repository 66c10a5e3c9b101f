package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/engine/why"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// runWhyLive answers a question about an object of a release in the cluster.
func (a *app) runWhyLive(ctx context.Context, o *whyOptions, q *whyQuestion, args []string) error {
	var given *chart.Chart
	if len(args) > 0 {
		var err error
		if given, _, err = a.readChart(ctx, &o.chartInput, args[0]); err != nil {
			return err
		}
	}
	return a.withRecord(ctx, o.release, 0, func(c *connection, r *release.Record) error {
		answer, err := a.askLive(ctx, o, q, c, r, given)
		if err != nil {
			return err
		}
		return a.printWhy(o, answer)
	})
}

// askLive joins what the templates say to what the cluster says.
func (a *app) askLive(ctx context.Context, o *whyOptions, q *whyQuestion, c *connection, r *release.Record, given *chart.Chart) (*whyAnswer, error) {
	s, err := q.inRecord(ctx, c, r)
	if err != nil {
		return nil, err
	}
	stored := s.object
	if q.asPlainText(stored) {
		s.from.asPlainText(stored)
		s.notes = append(s.notes, "the chart writes stringData, which the API server puts into data")
	}
	resolved, err := c.client.Resolve(ctx, []manifest.Object{*stored}, c.namespace)
	if err != nil {
		return nil, err
	}
	if len(resolved.Objects) == 0 {
		return nil, fmt.Errorf("the cluster does not serve %s %s", stored.APIVersion, stored.Kind)
	}
	ref := resolved.Objects[0].Ref
	objects, err := c.client.Read(ctx, []manifest.Ref{ref})
	if err != nil {
		return nil, err
	}
	live := objects[ref]
	answer, inChart, err := a.askRecord(ctx, o, q, c, given, s)
	if err != nil {
		return nil, err
	}
	answer.Object, answer.made = ref, s.made
	answer.Notes = append(s.notes, answer.Notes...)
	return answer, q.liveField(answer, stored.Fields, live, inChart)
}

// asPlainText asks about the stringData of a Secret instead of its data, which is
// where the API server puts it, and reports whether the object has that.
func (q *whyQuestion) asPlainText(o *manifest.Object) bool {
	if o.Kind != "Secret" || len(q.field) < 2 || q.field[0].Key != "data" {
		return false
	}
	written := append(why.Path{{Key: "stringData"}}, q.field[1:]...)
	if _, _, err := written.Resolve(any(o.Fields)); err != nil {
		return false
	}
	q.field = written
	return true
}

// bare is the answer about an object of which no template is known.
func (q *whyQuestion) bare(o *manifest.Object) *whyAnswer {
	path, value, err := q.field.Resolve(any(o.Fields))
	if err != nil {
		path = q.field
	}
	answer := &whyAnswer{
		APIVersion: whyVersion, Object: o.Ref, Source: o.Source, Field: path.String(), Value: value,
		Masked: o.Kind == "Secret" && whyIsData(path), Writers: []whyWriter{}, Causes: []whyCause{},
	}
	if answer.Masked {
		answer.Value = nil
	}
	return answer
}

// askRecord renders the chart of a record again and asks about the field. If
// that cannot be done, the answer has the object and a note. It returns where
// the field is in the object of the manifest, nil if that has none.
func (a *app) askRecord(ctx context.Context, o *whyOptions, q *whyQuestion, c *connection, given *chart.Chart, s *whyStored) (*whyAnswer, why.Path, error) {
	bare := q.bare(s.object)
	path, value, err := q.field.Resolve(any(s.object.Fields))
	if err != nil {
		bare.Notes = append(bare.Notes, "the chart does not write this field")
		return bare, nil, nil
	}
	answer, err := a.askAgain(ctx, o, s.from, c, s.record, given)
	if err == nil {
		if !answer.Masked && !answer.Chance && !reflect.DeepEqual(plainJSON(value), plainJSON(answer.Value)) {
			answer.Notes = append(answer.Notes, s.other(answer))
		}
		return answer, path, nil
	}
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	var missing *why.NoFieldError
	if s.made && errors.As(err, &missing) {
		bare.Notes = append(bare.Notes, "the rollout writes this field, not the chart")
		return bare, path, nil
	}
	bare.Notes = append(bare.Notes, "the templates cannot be looked at: "+firstLineOf(err.Error()))
	if r := s.record; given == nil && r.Chart != nil && r.Chart.Metadata != nil && len(r.Chart.Metadata.Dependencies) > 0 {
		bare.Notes = append(bare.Notes, "the record holds no subcharts: name the chart, as in slipway why --release "+r.Name+" CHART ...")
	}
	return bare, path, nil
}

// other says why the chart renders another value than the manifest has.
func (s *whyStored) other(answer *whyAnswer) string {
	if s.made {
		return fmt.Sprintf("the rollout has set this field: what is told of the templates is about %s/%s", answer.Object.Kind, answer.Object.Name)
	}
	return "the manifest of the release has another value than the chart renders now"
}

// askAgain renders the chart with the values of the record and asks.
func (a *app) askAgain(ctx context.Context, o *whyOptions, q *whyQuestion, c *connection, r *release.Record, given *chart.Chart) (*whyAnswer, error) {
	if given == nil {
		given = r.Chart
	}
	if given == nil {
		return nil, errors.New("the record holds no chart")
	}
	input, err := storedInput(ctx, c.client, r)
	if err != nil {
		return nil, err
	}
	input.EnableDNS = o.enableDNS
	again := &rendering{
		options: &o.templateOptions, debug: a.flags.debug, compat: o.compat, chart: given,
		user: &values.Merged{Values: r.Config}, input: input,
	}
	if again.program, err = engine.Compile(given, engine.Options{Compat: o.compat}); err != nil {
		return nil, err
	}
	x, err := why.New(ctx, again.program, again.input, why.Options{Compat: o.compat, Time: o.time, Now: a.env.Now})
	if err != nil {
		return nil, err
	}
	return a.ask(ctx, again, x, q)
}

// rememberedLookup asks the cluster for each object once, however often the chart is rendered.
func rememberedLookup(lookup engine.LookupFunc) engine.LookupFunc {
	type answer struct {
		object map[string]any
		err    error
	}
	seen := map[[4]string]answer{}
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		key := [4]string{apiVersion, kind, namespace, name}
		known, ok := seen[key]
		if !ok {
			known.object, known.err = lookup(apiVersion, kind, namespace, name)
			seen[key] = known
		}
		return known.object, known.err
	}
}

// liveField fills in what the cluster has at the field.
func (q *whyQuestion) liveField(answer *whyAnswer, stored map[string]any, live deploy.Live, inChart why.Path) error {
	l := &whyLive{Managers: []plan.Holder{}}
	answer.Live = l
	if live == nil {
		answer.Notes = append(answer.Notes, "the object is not in the cluster")
		return nil
	}
	var path why.Path
	var found bool
	asData := stored["kind"] == "Secret" && len(inChart) == 2 && inChart[0].Key == "stringData"
	if asData { // where the API server puts it
		path = why.Path{{Key: "data"}, inChart[1]}
		_, l.Value, _ = path.Resolve(any(live))
		found = l.Value != nil
	} else if inChart != nil {
		path, l.Value, found = inChart.Follow(any(stored), any(live))
	} else {
		var err error
		path, l.Value, err = q.field.Resolve(any(live))
		var missing *why.NoFieldError
		if errors.As(err, &missing) {
			return withHint(fmt.Errorf("neither the chart nor the cluster has this field: %w", err), whyNear(missing))
		}
		found = err == nil
	}
	if !found {
		return nil
	}
	l.Found = true
	if inChart != nil {
		_, wanted, _ := inChart.Resolve(any(stored))
		there := path
		if asData {
			there = inChart
		}
		l.AsRendered = plan.Holds(live, only(stored, live, there, wanted))
	}
	steps := make([]any, len(path))
	for i, s := range path {
		if s.List {
			steps[i] = s.Index
		} else {
			steps[i] = s.Key
		}
	}
	l.Managers = plan.Holders(live, steps)
	if l.Managers == nil {
		l.Managers = []plan.Holder{}
	}
	if answer.Masked {
		l.Value = nil
	}
	return nil
}

// only is an object of the stored one's kind that has nothing but the field;
// lists on the way have the live elements beside it.
func only(stored, live map[string]any, path why.Path, wanted any) map[string]any {
	object, _ := onlyField(live, path, wanted).(map[string]any)
	object["apiVersion"], object["kind"] = stored["apiVersion"], stored["kind"]
	return object
}

func onlyField(live any, path why.Path, wanted any) any {
	if len(path) == 0 {
		return wanted
	}
	if !path[0].List {
		m, _ := live.(map[string]any)
		return map[string]any{path[0].Key: onlyField(m[path[0].Key], path[1:], wanted)}
	}
	list, _ := live.([]any)
	list = append([]any(nil), list...)
	list[path[0].Index] = onlyField(list[path[0].Index], path[1:], wanted)
	return list
}

// firstLineOf is the first line of a text, cut when it is long.
func firstLineOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return clip(printable(line))
}

// plainJSON is a value with the types that JSON gives.
func plainJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var plain any
	_ = json.Unmarshal(text, &plain)
	return plain
}
