package repo

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// compareSteps holds the walk that passes repeated lines against the one that
// looks at every line.
func compareSteps(t *testing.T, text string) {
	t.Helper()
	fast, ok := findEntries(source(text))
	slow := &layout{slow: true}
	if slowOK := slow.find(source(text)); ok != slowOK {
		t.Fatalf("accepted: %v, line by line: %v\n%s", ok, slowOK, text)
	}
	if ok && (!slices.Equal(fast.starts, slow.starts) || !slices.Equal(fast.charts, slow.charts) || fast.head != slow.head) {
		t.Fatalf("%v %v, line by line: %v %v\n%s", fast.charts, fast.starts, slow.charts, slow.starts, text)
	}
}

// similar is an index of versions that are body, but one with another text in it.
func similar(body string, from, to int, text string) string {
	from = min(max(from, 0), len(body))
	to = min(max(to, from), len(body))
	const item = "  - apiVersion: v2\n"
	return "apiVersion: v1\nentries:\n  web:\n" + item + body + item + body[:from] + text + body[to:] + item + body + "  x:\n" + item + body + "generated: x\n"
}

func FuzzRepeats(f *testing.F) {
	for i, seed := range indexSeeds() {
		if _, body, ok := strings.Cut(seed, "apiVersion: v2\n"); ok {
			body, _, _ = strings.Cut(body, "generated:")
			f.Add(body, 40+i, 50+i, "\"a\n  y:\n  - b: |\n")
			f.Add(body, 21, 21, "    home: x\n\n\n      y\n")
			f.Add(body, len(body)/2, len(body), "")
		}
	}
	f.Fuzz(func(t *testing.T, body string, from, to int, text string) {
		compareSteps(t, similar(body, from, to, text))
	})
}

// TestRepeatedLinesArePassed cuts an index of all features at random and puts
// parts of it elsewhere.
func TestRepeatedLinesArePassed(t *testing.T) {
	text := string(helmIndex(t))
	compareSteps(t, text)
	random := rand.New(rand.NewPCG(1, 2))
	lines := strings.SplitAfter(text, "\n")
	for range 100 {
		changed := slices.Clone(lines)
		for range 1 + random.IntN(4) {
			at, from := random.IntN(len(changed)), random.IntN(len(changed))
			switch random.IntN(4) {
			case 0:
				changed = slices.Delete(changed, at, min(at+random.IntN(3), len(changed)))
			case 1:
				changed = slices.Insert(changed, at, changed[from:min(from+random.IntN(40), len(changed))]...)
			case 2:
				changed[at] = changed[from]
			default:
				cut := random.IntN(len(changed[at]) + 1)
				changed[at] = changed[at][:cut] + string("\"' \n:-|#"[random.IntN(8)]) + changed[at][cut:]
			}
		}
		compareSteps(t, strings.Join(changed, ""))
	}
}

// TestSimilarVersionsAreReadAlike puts what breaks lines, quotes and blocks into
// versions that are otherwise the same.
func TestSimilarVersionsAreReadAlike(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var bodies []string
	for _, seed := range indexSeeds() {
		if _, body, ok := strings.Cut(seed, "apiVersion: v2\n"); ok {
			body, _, _ = strings.Cut(body, "generated:")
			bodies = append(bodies, body)
		}
	}
	pieces := []string{
		"\n", "\"", "'", " ", "  - a: b\n", "  y:\n", "    home: x\n", "\n\n", "      deeper\n", "    home: |\n      x\n",
		"#", ": ", "é", "\u2028", "\t", "- ", "    urls:\n    - a\n", "\\", "",
	}
	accepted := 0
	for i := range 6000 {
		body := bodies[random.IntN(len(bodies))] + bodies[random.IntN(len(bodies))]
		from := random.IntN(len(body) + 1)
		text := similar(body, from, from+random.IntN(12), pieces[random.IntN(len(pieces))]+pieces[random.IntN(len(pieces))])
		compareSteps(t, text)
		if _, ok := findEntries(source(text)); ok {
			accepted++
		}
		if i%60 == 0 {
			compareReaders(t, []byte(text))
		}
	}
	if accepted < 100 {
		t.Errorf("only %d of the texts are in the layout", accepted)
	}
}
