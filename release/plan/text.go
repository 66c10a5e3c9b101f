package plan

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/e6d26078/slipway/release/manifest"
)

// TextOptions choose how plans and drifts are shown.
type TextOptions struct {
	Color bool // ANSI escapes
	// Context is how many unchanged lines surround a change inside a text of
	// several lines; 0 means 3, less than 0 none.
	Context   int
	Unchanged bool // list unchanged objects too
}

func (o TextOptions) context() int {
	if o.Context == 0 {
		return 3
	}
	return max(o.Context, 0)
}

// look is how an action is shown.
type look struct{ sign, color string }

const (
	green, yellow, red, dim, bold, reset = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
)

var looks = map[Action]look{
	Create: {"+", green}, Update: {"~", yellow}, Adopt: {"~", yellow}, Recreate: {"±", red},
	Delete: {"-", red}, Keep: {"=", dim}, Unchanged: {" ", dim}, Refused: {"!", red},
}

// Text writes the plan for people: one line for each object that changes, its
// fields below, the hooks, and last the numbers. No control character of an
// object reaches the terminal. The error is w's.
func (p *Plan) Text(w io.Writer, options TextOptions) error {
	t := &printer{w: bufio.NewWriter(w), options: options}
	t.line("", fmt.Sprintf("%s of release %s in namespace %s, revision %d", p.Operation, p.Release, p.Namespace, p.Revision))
	t.changes(p.Changes)
	t.hooks(p.Hooks)
	t.line("", "")
	t.line(bold, p.Summary().String())
	return t.w.Flush()
}

// String is the line that ends a plan's text, such as "3 to create, 2 to change, 40 unchanged".
func (s Summary) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{
		{s.Create, "to create"}, {s.Update, "to change"}, {s.Recreate, "to recreate"}, {s.Delete, "to delete"},
		{s.Keep, "kept"}, {s.Refused, "refused"}, {s.Unchanged, "unchanged"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing to do")
}

type printer struct {
	w       *bufio.Writer // keeps the first error until Flush
	options TextOptions
}

// line writes one line. Errors show up in Flush.
func (t *printer) line(color, text string) {
	if t.options.Color && color != "" && text != "" {
		text = color + text + reset
	}
	_, _ = t.w.WriteString(text)
	_ = t.w.WriteByte('\n')
}

func (t *printer) changes(changes []Change) {
	width := 0
	for i := range changes {
		width = max(width, len(changes[i].Action))
	}
	first := true
	for i := range changes {
		c := &changes[i]
		if c.Action == Unchanged && !t.options.Unchanged {
			continue
		}
		if first {
			t.line("", "")
			first = false
		}
		look := looks[c.Action]
		head := fmt.Sprintf("%s %-*s  %s", look.sign, width, c.Action, plain(c.Ref.String()))
		if c.CRD {
			head += " (CRD)"
		}
		if reason := c.why(); reason != "" {
			head += ": " + plain(reason)
		}
		t.line(look.color, head)
		if c.Problem != nil {
			for _, conflict := range c.Problem.Conflicts {
				t.line("", fmt.Sprintf("      %s is held by %s", plain(conflict.Field), plain(conflict.Manager)))
			}
		}
		t.fields(c.Fields)
	}
}

// why is the reason to show beside an object.
func (c *Change) why() string {
	switch {
	case c.Problem != nil:
		return c.Problem.Message
	case c.Reason != "":
		return c.Reason
	case c.Owner != nil:
		return "taken from " + c.Owner.String()
	}
	return ""
}

func (t *printer) fields(fields []FieldChange) {
	for i := range fields {
		f := &fields[i]
		by := ""
		if len(f.Managers) > 0 {
			by = " (held by " + plain(strings.Join(f.Managers, ", ")) + ")"
		}
		path := plain(f.Path)
		before, isText := f.Old.(string)
		after, isStill := f.New.(string)
		switch {
		case f.Masked:
			t.masked(path, f, by)
		case f.Op == Added:
			t.line(green, fmt.Sprintf("    + %s: %s%s", path, shown(f.New), by))
		case f.Op == Removed:
			t.line(red, fmt.Sprintf("    - %s: %s%s", path, shown(f.Old), by))
		case f.Op == Moved:
			t.line(yellow, fmt.Sprintf("    ~ %s: order %s -> %s%s", path, shown(f.Old), shown(f.New), by))
		case isText && isStill && (strings.Contains(before, "\n") || strings.Contains(after, "\n")):
			t.line(yellow, fmt.Sprintf("    ~ %s:%s", path, by))
			t.lines(before, after)
		default:
			t.line(yellow, fmt.Sprintf("    ~ %s: %s -> %s%s", path, shown(f.Old), shown(f.New), by))
		}
	}
}

func (t *printer) masked(path string, f *FieldChange, by string) {
	before, after := text(f.Old), text(f.New)
	switch f.Op {
	case Added:
		t.line(green, fmt.Sprintf("    + %s: %s%s", path, after, by))
	case Removed:
		t.line(red, fmt.Sprintf("    - %s: %s%s", path, before, by))
	default:
		t.line(yellow, fmt.Sprintf("    ~ %s: %s -> %s%s", path, before, after, by))
	}
}

// lines shows how a text of several lines changes.
func (t *printer) lines(before, after string) {
	for _, l := range lineDiff(before, after, t.options.context()) {
		color := ""
		switch l.sign {
		case '+':
			color = green
		case '-':
			color = red
		case '@':
			t.line(dim, fmt.Sprintf("        @@ line %d @@", l.number))
			continue
		}
		t.line(color, strings.TrimRight(fmt.Sprintf("        %c %s", l.sign, plain(l.text)), " "))
	}
}

func (t *printer) hooks(hooks []Hook) {
	var event manifest.Event
	for i := range hooks {
		h := &hooks[i]
		if i == 0 {
			t.line("", "")
			t.line("", "hooks:")
		}
		if h.Event != event {
			event = h.Event
			t.line("", "  "+string(event))
		}
		line := fmt.Sprintf("    %s %s", plain(h.Kind), plain(h.Name))
		if h.Weight != 0 {
			line += fmt.Sprintf(", weight %d", h.Weight)
		}
		t.line("", line)
	}
}

// maxShown is the length beyond which a value is cut in a text.
const maxShown = 160

// shown writes a value on one line. Text is quoted unless it is plain.
func shown(value any) string {
	var s string
	switch value := value.(type) {
	case string:
		if isPlainText(value) {
			s = value
		} else {
			s = strconv.Quote(value)
		}
	default:
		data, err := json.Marshal(value)
		if err != nil {
			return "?"
		}
		s = plain(string(data))
	}
	runes := []rune(s)
	if len(runes) <= maxShown {
		return s
	}
	return fmt.Sprintf("%s... (%d characters)", string(runes[:maxShown]), len(runes))
}

// isPlainText reports whether a text cannot be taken for another value when
// it is shown without quotes.
func isPlainText(s string) bool {
	switch s {
	case "", "true", "false", "null":
		return false
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == '"' || r == '{' || r == '[' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// plain escapes what a terminal would not show as text.
func plain(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' || r == unicode.ReplacementChar }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar || r == '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}

// DriftText writes the objects of a drift that are not in order, and last the
// numbers. The error is w's.
func DriftText(w io.Writer, drifts []ObjectDrift, options TextOptions) error {
	t := &printer{w: bufio.NewWriter(w), options: options}
	changed, missing := 0, 0
	for i := range drifts {
		d := &drifts[i]
		switch {
		case d.State == Missing:
			missing++
			t.line(red, "- missing  "+plain(d.Ref.String()))
		case d.State == Drifted:
			changed++
			t.line(yellow, "~ changed  "+plain(d.Ref.String()))
			t.fields(d.Fields)
		case options.Unchanged:
			t.line(dim, "  ok       "+plain(d.Ref.String()))
		}
	}
	t.line(bold, fmt.Sprintf("%d missing, %d changed, %d as stored", missing, changed, len(drifts)-missing-changed))
	return t.w.Flush()
}
