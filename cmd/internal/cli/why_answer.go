package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/engine/why"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// whyVersion is the version of the form that --output json has, in docs/schema/why.v1.json.
const whyVersion = "slipway.dev/why/v1"

// whyAnswer is the answer to "why", in the form of --output json.
type whyAnswer struct {
	APIVersion string       `json:"apiVersion"`
	Object     manifest.Ref `json:"object"`
	Source     string       `json:"source,omitempty"`
	Field      string       `json:"field"`
	Value      any          `json:"value"`
	Masked     bool         `json:"masked,omitempty"`
	Constant   bool         `json:"constant"`
	Chance     bool         `json:"chance"`
	Writers    []whyWriter  `json:"writers"`
	Causes     []whyCause   `json:"causes"`
	Incomplete bool         `json:"incomplete,omitempty"`
	Renders    int          `json:"renders"`
	Live       *whyLive     `json:"live,omitempty"`
	Notes      []string     `json:"notes,omitempty"`

	made bool // by a rollout, which does not have to have it as the chart renders it
}

// whyWriter is a place in the templates, the outermost frame first.
type whyWriter struct {
	Text   string     `json:"text,omitempty"`
	Frames []whyFrame `json:"frames"`
}

type whyFrame struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Template string `json:"template,omitempty"`
	Source   string `json:"source,omitempty"` // the line
}

type whyCause struct {
	Role    why.Role     `json:"role"`
	Value   string       `json:"value,omitempty"`
	Unset   bool         `json:"unset,omitempty"`
	Name    string       `json:"name,omitempty"`
	Is      any          `json:"is,omitempty"`
	Masked  bool         `json:"masked,omitempty"`
	Origins []jsonOrigin `json:"origins,omitempty"`
}

// whyLive is what the cluster says of the field.
type whyLive struct {
	Found      bool          `json:"found"`
	Value      any           `json:"value"`
	AsRendered bool          `json:"asRendered"`
	Managers   []plan.Holder `json:"managers"`
}

// whyAnswer brings what was found into the form for output, secrets left out.
func (r *rendering) whyAnswer(found *why.Answer, x *values.Explainer) *whyAnswer {
	o := found.Object
	secret := o.Kind == "Secret" && whyIsData(found.Path)
	a := &whyAnswer{
		APIVersion: whyVersion, Object: o.Ref, Source: o.File, Field: found.Path.String(), Value: found.Value, Masked: secret,
		Constant: found.Constant(), Writers: []whyWriter{}, Causes: []whyCause{}, Incomplete: found.Incomplete, Renders: found.Renders,
	}
	for _, w := range found.Writers {
		a.Writers = append(a.Writers, r.whyWriter(w, secret))
	}
	for _, c := range found.Causes {
		a.Chance = a.Chance || c.Name == "chance"
		a.Causes = append(a.Causes, whyCauseOf(c, x, secret))
	}
	if secret || a.Chance {
		a.Value = nil
	}
	return a
}

// whyIsData reports whether a field of a Secret may hold what is secret.
func whyIsData(p why.Path) bool {
	switch p[0].Key {
	case "apiVersion", "kind", "type", "immutable":
		return false
	case "metadata":
		return len(p) == 1 || p[1].Key == "annotations"
	}
	return true
}

func (r *rendering) whyWriter(w why.Writer, secret bool) whyWriter {
	writer := whyWriter{Frames: []whyFrame{}}
	if !secret {
		writer.Text = clip(w.Text)
	}
	for _, f := range w.Frames {
		writer.Frames = append(writer.Frames, r.whyFrame(f))
	}
	return writer
}

func (r *rendering) whyFrame(f engine.Frame) whyFrame {
	frame := whyFrame{File: f.File, Line: f.Line, Column: f.Col}
	if f.Template != f.File {
		frame.Template = f.Template
	}
	if f.File == tplFile {
		frame.Template = "" // a text from the values; what it says is not for everybody
		return frame
	}
	text, _ := r.source(f.File)
	if lines := strings.Split(text, "\n"); f.Line >= 1 && f.Line <= len(lines) {
		frame.Source = clip(strings.TrimSpace(lines[f.Line-1]))
	}
	return frame
}

func whyCauseOf(c why.Cause, x *values.Explainer, secret bool) whyCause {
	cause := whyCause{Role: c.Role, Unset: c.Unset, Name: c.Name}
	if c.Value == nil {
		return cause
	}
	cause.Value = values.FormatPath(c.Value)
	value := x.Explain(c.Value...).Value
	_, isSwitch := value.(bool)
	cause.Masked = (secret || secretName(cause.Value)) && !isSwitch
	origins := whyOrigins(x, c.Value)
	if !c.Unset && !cause.Masked {
		cause.Is = value
	}
	for _, o := range origins {
		shown := jsonOrigin{
			Source: o.String(), Chart: o.Chart, File: o.File, Flag: o.Flag, Line: o.Line, Column: o.Column,
			Path: values.FormatPath(o.Path), Via: o.Via, Value: o.Value,
		}
		if _, plain := o.Value.(bool); !plain && (secret || secretName(cause.Value)) {
			shown.Value = nil
		}
		cause.Origins = append(cause.Origins, shown)
	}
	return cause
}

// printWhy prints an answer.
func (a *app) printWhy(o *whyOptions, answer *whyAnswer) error {
	if o.output.word == "json" {
		text, err := json.MarshalIndent(answer, "", "  ")
		if err != nil {
			return err
		}
		return a.print(string(text) + "\n")
	}
	return a.print(answer.text(a.painter()))
}

// text is the answer for people.
func (w *whyAnswer) text(paint painter) string {
	var out strings.Builder
	value := oneLine(w.Value)
	switch {
	case w.Masked:
		value = masked
	case w.Chance:
		value = "another one at each render"
	}
	fmt.Fprintf(&out, "%s/%s %s = %s\n", w.Object.Kind, w.Object.Name, w.Field, printable(value))
	w.writeWriters(&out, paint)
	w.writeCauses(&out, paint)
	w.writeLive(&out, paint)
	if w.Incomplete {
		out.WriteString(paint(yellow, "  not everything was tried: the time was over; --timeout gives more") + "\n")
	}
	for _, note := range w.Notes {
		out.WriteString(paint(yellow, "  "+note) + "\n")
	}
	return out.String()
}

func (w *whyAnswer) writeWriters(out *strings.Builder, paint painter) {
	for _, writer := range w.Writers {
		for i, f := range writer.Frames {
			verb := "  called from "
			if i == len(writer.Frames)-1 {
				verb = "  written by  "
			}
			name := f.File
			if name == tplFile {
				name = "the text given to tpl, line "
			} else {
				name += ":"
			}
			line := fmt.Sprintf("%s%s%d", verb, name, f.Line)
			if f.Template != "" {
				line += fmt.Sprintf(" (%s)", f.Template)
			}
			if f.Source != "" {
				line += "  " + paint(grey, printable(f.Source))
			}
			out.WriteString(line + "\n")
		}
	}
}

// The words of the roles in the answer for people.
const (
	whyFrom     = "  from value  "
	whyDecides  = "  follows from"
	whyPresence = "  there by    "
	whyUnset    = "  could be set"
)

func (w *whyAnswer) writeCauses(out *strings.Builder, paint painter) {
	const most = 10
	shown, left := map[string]int{}, map[string]int{}
	for _, c := range w.Causes {
		title := map[why.Role]string{why.Text: whyFrom, why.Decides: whyDecides, why.Presence: whyPresence}[c.Role]
		if c.Unset {
			title = whyUnset
		}
		if shown[title]++; shown[title] > most {
			left[title]++
			continue
		}
		out.WriteString(title + " " + c.text(paint) + "\n")
	}
	for _, title := range []string{whyFrom, whyDecides, whyPresence, whyUnset} {
		if left[title] > 0 {
			fmt.Fprintf(out, "%s and %d more: --output json has all\n", title, left[title])
		}
	}
	if w.Constant && w.Source != "" {
		out.WriteString("  constant: no value changes it, only the template\n")
	}
}

func (c *whyCause) text(paint painter) string {
	if c.Name != "" {
		return whyNames(c.Name)
	}
	text := c.Value
	switch {
	case c.Unset:
		return text + " (not set)"
	case c.Masked:
		text += " = " + masked
	default:
		text += " = " + printable(oneLine(c.Is))
	}
	for i, o := range c.Origins {
		if i == 0 {
			text += ", " + paint(green, printable(whySource(o)))
		} else {
			text += "; instead of " + printable(whySource(o))
			if !c.Masked {
				text += ": " + printable(oneLine(o.Value))
			}
		}
	}
	return text
}

// whySource is the place of a value; that of a release's own values has no file.
func whySource(o jsonOrigin) string {
	if o.Flag == "values" {
		return "given for the release"
	}
	return o.Source
}

// whyNames are the words for causes that are no values.
func whyNames(name string) string {
	switch name {
	case "chance":
		return "a function of chance or of time"
	case "lookup":
		return "the cluster, by the function lookup"
	}
	if file, isFile := strings.CutPrefix(name, "file "); isFile {
		return "the chart's file " + file
	}
	return "." + name
}

func (w *whyAnswer) writeLive(out *strings.Builder, paint painter) {
	if w.Live == nil {
		return
	}
	l := w.Live
	value := printable(oneLine(l.Value))
	if w.Masked {
		value = masked
	}
	switch {
	case !l.Found:
		out.WriteString("  live         " + paint(red, "it is not there") + "\n")
	case l.AsRendered && w.made:
		out.WriteString("  live         " + value + ", " + paint(green, "as the rollout has it") + "\n")
	case w.made:
		out.WriteString("  live         " + value + ", " + paint(yellow, "not what the rollout has made") + "\n")
	case l.AsRendered:
		out.WriteString("  live         " + value + ", " + paint(green, "as the chart renders it") + "\n")
	default:
		out.WriteString("  live         " + value + ", " + paint(yellow, "not what the chart renders") + "\n")
	}
	for i, m := range l.Managers {
		verb := "  held also by"
		if i == 0 {
			verb = "  changed by  "
		}
		text := fmt.Sprintf("%s %s (%s", verb, printable(m.Manager), m.Operation)
		if m.Subresource != "" {
			text += ", " + m.Subresource
		}
		out.WriteString(text + ") at " + m.Time + "\n")
	}
}
