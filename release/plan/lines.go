package plan

import (
	"slices"
	"strings"
)

// diffLine is a line of a text's changes: sign is ' ', '+', '-', or '@' where
// lines are left out, and then number is that of the next line of the new text.
type diffLine struct {
	sign   byte
	text   string
	number int
}

// maxEdits bounds the search for the shortest way from one text to the other.
const maxEdits = 1000

// lineDiff compares two texts line by line and leaves out unchanged lines
// farther than context from a change.
func lineDiff(before, after string, context int) []diffLine {
	a, b := splitLines(before), splitLines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	all := make([]diffLine, 0, len(a)+len(b))
	all = appendSigned(all, ' ', a[:head])
	all = append(all, shortestEdit(a[head:len(a)-tail], b[head:len(b)-tail])...)
	all = appendSigned(all, ' ', a[len(a)-tail:])
	return withContext(all, context)
}

// splitLines splits a text. A last line without a line end is marked, as a
// change of that alone has to show.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if last := len(lines) - 1; lines[last] == "" {
		return lines[:last]
	}
	lines[len(lines)-1] += " (no line end)"
	return lines
}

func appendSigned(lines []diffLine, sign byte, texts []string) []diffLine {
	for _, text := range texts {
		lines = append(lines, diffLine{sign: sign, text: text})
	}
	return lines
}

// shortestEdit is Myers' algorithm ("An O(ND) Difference Algorithm and Its
// Variations", 1986). Texts that differ too much are replaced as a whole.
func shortestEdit(a, b []string) []diffLine {
	limit := min(len(a)+len(b), maxEdits)
	offset := limit + 1
	reach := make([]int, 2*limit+3) // farthest x on each diagonal
	var trace [][]int
	for d := 0; d <= limit; d++ {
		trace = append(trace, slices.Clone(reach[offset-d:offset+d+1]))
		for k := -d; k <= d; k += 2 {
			x := 0
			switch {
			case d == 0:
			case k == -d || k != d && reach[offset+k-1] < reach[offset+k+1]:
				x = reach[offset+k+1]
			default:
				x = reach[offset+k-1] + 1
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			reach[offset+k] = x
			if x >= len(a) && x-k >= len(b) {
				return editScript(a, b, trace)
			}
		}
	}
	return appendSigned(appendSigned(nil, '-', a), '+', b)
}

// editScript walks back through the states before each edit.
func editScript(a, b []string, trace [][]int) []diffLine {
	var script []diffLine
	x, y := len(a), len(b)
	for d := len(trace) - 1; d >= 0; d-- {
		reach := func(k int) int { return trace[d][k+d] }
		k := x - y
		from := k - 1
		if d == 0 {
			from = 0
		} else if k == -d || k != d && reach(k-1) < reach(k+1) {
			from = k + 1
		}
		startX := 0
		if d > 0 {
			startX = reach(from)
		}
		startY := startX - from
		for x > startX && y > startY && x > 0 && y > 0 && a[x-1] == b[y-1] {
			x, y = x-1, y-1
			script = append(script, diffLine{sign: ' ', text: a[x]})
		}
		if d == 0 {
			break
		}
		if from > k {
			y--
			script = append(script, diffLine{sign: '+', text: b[y]})
		} else {
			x--
			script = append(script, diffLine{sign: '-', text: a[x]})
		}
	}
	slices.Reverse(script)
	return script
}

func withContext(all []diffLine, context int) []diffLine {
	near := make([]bool, len(all))
	for i := range all {
		if all[i].sign != ' ' {
			for j := max(0, i-context); j <= min(len(all)-1, i+context); j++ {
				near[j] = true
			}
		}
	}
	var kept []diffLine
	number, skipping := 1, false
	for i := range all {
		switch {
		case !near[i]:
			skipping = true
		default:
			if skipping {
				kept = append(kept, diffLine{sign: '@', number: number})
				skipping = false
			}
			kept = append(kept, all[i])
		}
		if all[i].sign != '-' {
			number++
		}
	}
	return kept
}
