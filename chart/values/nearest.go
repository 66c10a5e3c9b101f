package values

import (
	"slices"
	"strings"
)

// maxSearched bounds the tables that a search for a similar path visits.
const maxSearched = 10_000

// nearest returns the existing path that was probably meant by path, which
// does not exist: a key beside the missing one that is spelt alike, or else the
// shortest path that ends like the one asked for. Nil if there is none.
func nearest(vals map[string]any, path []string) []string {
	var here any = vals
	for i, key := range path {
		next, ok := At(here, path[i:i+1])
		if ok {
			here = next
			continue
		}
		t, isTable := here.(map[string]any)
		if !isTable {
			return nil
		}
		if similar := mostSimilar(t, key); similar != "" {
			found := append(path[:i:i], similar)
			if _, ok := At(t[similar], path[i+1:]); ok {
				found = append(found, path[i+1:]...)
			}
			return found
		}
		return endingLike(vals, path[i:])
	}
	return nil
}

// mostSimilar returns the key of t that differs least from key; "" if all
// differ in more than a third of their length.
func mostSimilar(t map[string]any, key string) string {
	best, bestDistance := "", 1+max(1, len(key)/3)
	for other := range t {
		d := distance(key, other, bestDistance)
		if d < bestDistance || d == bestDistance && best != "" && other < best {
			best, bestDistance = other, d
		}
	}
	return best
}

// distance counts the letters that must be changed, put in, taken out or
// swapped with their neighbour to turn a into b, without regard to case; with
// limit or more the result is limit at least.
func distance(a, b string, limit int) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	if diff := len(x) - len(y); diff > limit || -diff > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i, cx := range x {
		row[0] = i + 1
		for j, cy := range y {
			if row[j+1] = last[j]; cx != cy {
				row[j+1] = 1 + min(last[j], row[j], last[j+1])
			}
			if i > 0 && j > 0 && cx == y[j-1] && x[i-1] == cy {
				row[j+1] = min(row[j+1], 1+before[j-1])
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// endingLike searches all tables, the outermost first, for one in which tail exists.
func endingLike(vals map[string]any, tail []string) []string {
	type place struct {
		table map[string]any
		path  []string
	}
	queue := []place{{vals, nil}}
	for visited := 0; visited < len(queue) && visited < maxSearched; visited++ {
		p := queue[visited]
		if _, ok := At(p.table, tail); ok {
			return append(slices.Clone(p.path), tail...)
		}
		var keys []string
		for key, v := range p.table {
			if _, ok := v.(map[string]any); ok {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			queue = append(queue, place{p.table[key].(map[string]any), append(p.path[:len(p.path):len(p.path)], key)})
		}
	}
	return nil
}
