package lint

import "strings"

// similar finds the candidate closest to a name: equal but for case, or with
// one letter wrong, missing, extra or swapped, two in long names. It returns
// "" when there is none that accept likes.
func similar(name string, candidates []string, accept func(string) bool) string {
	const longestName = 64
	if len(name) < 3 || len(name) > longestName {
		return ""
	}
	limit := 1
	if len(name) > 6 {
		limit = 2
	}
	best, bestDistance := "", limit+1
	for _, candidate := range candidates {
		if candidate == name || len(candidate) < 3 || len(candidate) > longestName {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance && accept(candidate) {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance counts the letters that must be changed, put in, taken out or
// swapped with their neighbour to turn a into b.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return len(a) + len(b)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
