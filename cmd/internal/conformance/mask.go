package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"regexp"
	"strings"
)

// maxMasked is the part of a chart's lines that may differ by chance, in percent.
const maxMasked = 5

// maskedTries is how often a chart is compared whose output differs from run to
// run. Chance can show in one comparison and not in the next (24 random characters
// without their spaces are 24 long nearly always); a fault shows in every one.
const maskedTries = 3

// masked compares a chart whose output differs from run to run.
func (r *runner) masked(kind, name string, args []string) {
	var problem string
	for range maskedTries {
		if problem = r.maskedOnce(name, args); problem == "" {
			r.ok(kind)
			return
		}
	}
	r.differs(name, "%s", problem)
}

// maskedOnce returns what is wrong with slipway's output, or "". What differs
// between two runs of Helm is the mask; everything else must be byte-equal, and
// what stands under the mask must be of the same kind.
func (r *runner) maskedOnce(name string, args []string) string {
	one, two := execute(r.helm3, args...), execute(r.helm3, args...)
	got := execute(r.slipway, args...)
	if one.failed || two.failed || got.failed {
		return "fails: " + firstLines(one.stderr+two.stderr+got.stderr, 3)
	}
	m := newMask(foldPEM(one.stdout), foldPEM(two.stdout))
	if m.percent() > maxMasked {
		return fmt.Sprintf("%d %% of the lines differ between two runs of Helm", m.percent())
	}
	problem := m.check(foldPEM(got.stdout))
	if problem != "" {
		r.firstDifference(name, got.stdout, one.stdout)
	}
	return problem
}

// pemBody is what stands between the first and the last line of a PEM block.
var pemBody = regexp.MustCompile(`(-----BEGIN [A-Z ]+-----)\n([A-Za-z0-9+/=\s]+)(-----END [A-Z ]+-----)`)

// foldPEM puts each PEM block on one line, as the one value that it is: two
// keys need not have the same number of lines.
func foldPEM(text string) string {
	return pemBody.ReplaceAllStringFunc(text, func(block string) string {
		parts := pemBody.FindStringSubmatch(block)
		return parts[1] + " " + strings.Join(strings.Fields(parts[2]), "") + " " + parts[3]
	})
}

// mask is one output with the places that differ by chance.
type mask struct {
	lines []string
	span  map[int][2]int // line -> length of the fixed start and the fixed end
	count int
}

// word is the unit in which chance shows: keys, passwords and checksums are one word each.
var word = regexp.MustCompile(`[A-Za-z0-9+/=_.$-]+`)

func newMask(one, two string) *mask {
	m := &mask{lines: strings.Split(one, "\n"), span: map[int][2]int{}}
	other := strings.Split(two, "\n")
	if len(m.lines) != len(other) {
		m.count = len(m.lines)
		return m
	}
	for i, line := range m.lines {
		if line == other[i] {
			continue
		}
		m.count++
		start, end := commonEnds(line, other[i])
		m.span[i] = widen(line, start, end)
	}
	return m
}

func (m *mask) percent() int { return m.count * 100 / max(1, len(m.lines)) }

// check returns what is wrong with another output, or "".
func (m *mask) check(text string) string {
	lines := strings.Split(text, "\n")
	if len(lines) != len(m.lines) {
		return "has another number of lines"
	}
	for i, line := range lines {
		want := m.lines[i]
		span, chance := m.span[i]
		if !chance {
			if line != want {
				return "line differs:\n  have " + clip(line) + "\n  want " + clip(want)
			}
			continue
		}
		head, tail := want[:span[0]], want[len(want)-span[1]:]
		if len(line) < len(head)+len(tail) || !strings.HasPrefix(line, head) || !strings.HasSuffix(line, tail) {
			return "the fixed part of a line with a random value differs:\n  have " + clip(line) + "\n  want " + clip(want)
		}
		have, model := line[len(head):len(line)-len(tail)], want[len(head):len(want)-len(tail)]
		if kindOf(have) != kindOf(model) {
			return "a random value is of another kind (" + kindOf(have) + ", not " + kindOf(model) + "):\n  have " + clip(line) + "\n  want " + clip(want)
		}
	}
	return ""
}

func commonEnds(a, b string) (start, end int) {
	n := min(len(a), len(b))
	for start < n && a[start] == b[start] {
		start++
	}
	for end < n-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return start, end
}

// widen moves the ends of a differing place out to whole words, since two
// random words can begin alike.
func widen(line string, start, end int) [2]int {
	for _, w := range word.FindAllStringIndex(line, -1) {
		if w[0] < start && start < w[1] {
			start = w[0]
		}
		if stop := len(line) - end; w[0] < stop && stop < w[1] {
			end = len(line) - w[1]
		}
	}
	return [2]int{start, end}
}

// kindOf describes a random value: what it decodes to and its class of length.
func kindOf(s string) string {
	if data, err := base64.StdEncoding.DecodeString(s); err == nil && len(s) >= 24 {
		if block, _ := pem.Decode(data); block != nil {
			return "base64 of a PEM " + block.Type
		}
		if len(data) > 64 {
			return "long base64"
		}
	}
	kind := "text"
	if strings.Trim(s, "0123456789") == "" {
		kind = "digits"
	}
	if len(s) > 64 {
		return "long " + kind
	}
	return fmt.Sprintf("%s of %d characters", kind, len(s))
}
