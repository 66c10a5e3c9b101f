package repo

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart"
)

// parseCanonical reads an index in Helm's layout. It gives nil for every other,
// and for one with errors: the full parser finds words for them.
func parseCanonical(data []byte) *Index {
	s := source(text(data))
	l, ok := findEntries(s)
	if !ok {
		return nil
	}
	x := &Index{}
	if err := sigsyaml.UnmarshalStrict([]byte(l.head), x); err != nil || x.Entries != nil {
		return nil
	}
	lists := decodeAll(s, l)
	if lists == nil {
		return nil
	}
	x.Entries = make(map[string]Versions, len(l.charts))
	for i, c := range l.charts {
		x.Entries[c.name] = lists[i]
	}
	return x
}

// decodeAll decodes the versions of all charts, on all processors. The result
// is nil if one cannot be decoded.
func decodeAll(s source, l *layout) []Versions {
	lists := make([]Versions, len(l.charts))
	var next atomic.Int64
	var broken atomic.Bool
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(l.charts)) {
		group.Go(func() {
			var d decoder
			for !broken.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(lists) {
					return
				}
				c := l.charts[i]
				list, ok := d.chart(s, l.starts[c.first:c.first+c.n], c.end)
				if !ok {
					broken.Store(true)
				}
				lists[i] = list
			}
		})
	}
	group.Wait()
	if broken.Load() {
		return nil
	}
	return lists
}

// chart decodes the versions that begin at starts; the last one ends at end.
func (d *decoder) chart(s source, starts []int, end int) (Versions, bool) {
	slots := make([]slot, len(starts))
	list := make(Versions, len(starts))
	d.last = former{}
	for i, start := range starts {
		stop := end
		if i+1 < len(starts) {
			stop = starts[i+1]
		}
		d.s = s[:stop]
		if d.version(start+4, &slots[i]) {
			list[i] = &slots[i].version
			continue
		}
		var one []*Version
		if err := sigsyaml.UnmarshalStrict([]byte(d.s[start:]), &one); err != nil || len(one) != 1 {
			return nil, false
		}
		list[i] = one[0]
	}
	return list, true
}

// mapping reads the keys that stand in column. The first one is at pos; field
// reads its value from behind the colon on.
func (s source) mapping(pos, column int, field func(key string, quoted bool, pos int) int) int {
	for {
		key, quoted, after := s.key(pos)
		if after == failed {
			return failed
		}
		if pos = field(key, quoted, after); pos == failed || pos == len(s) {
			return pos
		}
		n := s.indent(pos)
		if n < column {
			return pos
		}
		if pos += n; n > column || s.at(pos) == '\n' {
			return failed
		}
	}
}

// list reads the items below a key of column, whose value begins at pos. item
// reads one from behind its dash on.
func (s source) list(pos, column int, item func(pos int) int) int {
	if pos = s.endLine(pos); pos == failed || s.indent(pos) != column || !s.isItem(pos+column) {
		return failed
	}
	for pos != failed && pos < len(s) && s.indent(pos) == column && s.isItem(pos+column) {
		if s.at(pos+column+2) == ' ' {
			return failed
		}
		pos = item(pos + column + 1)
	}
	return pos
}

// texts reads a list of strings.
func (s source) texts(pos, column int, into *[]string) int {
	*into = nil
	next := s.list(pos, column, func(pos int) int {
		if _, _, after := s.key(pos + 1); after != failed {
			return failed // a mapping
		}
		t, next := s.text(pos, column)
		*into = append(*into, t)
		return next
	})
	*into = slices.Clip(*into)
	return next
}

// decoder reads one version.
type decoder struct {
	s         source
	now, last former // the version and the one before it
	next      int    // in last.keys: what the next field may be the same as
}

// once reports whether field n is there for the first time.
func (d *decoder) once(n uint) bool {
	first := d.now.seen&(1<<n) == 0
	d.now.seen |= 1 << n
	return first
}

// field reads the value of a version's key. A key that is there twice, or that
// versions do not have, is an error that the full parser reports.
func (d *decoder) field(key string, pos int) (next int) {
	const column = 4
	var into *string
	number := uint(0)
	v, m := d.now.version, d.now.version.Metadata
	switch key {
	case "apiVersion":
		into, number = &m.APIVersion, 1
	case "appVersion":
		into, number = &m.AppVersion, 2
	case "description":
		into, number = &m.Description, 3
	case "digest":
		into, number = &v.Digest, 4
	case "home":
		into, number = &m.Home, 5
	case "icon":
		into, number = &m.Icon, 6
	case "kubeVersion":
		into, number = &m.KubeVersion, 7
	case "name":
		into, number = &m.Name, 8
	case "type":
		into, number = &m.Type, 9
	case "version":
		into, number = &m.Version, 10
	case "condition":
		into, number = &m.Condition, 11
	case "tags":
		into, number = &m.Tags, 12
	case "engine":
		into, number = &v.Engine, 13
	case "tillerVersion":
		into, number = &v.TillerVersion, 14
	default:
		return d.nested(key, pos)
	}
	if !d.once(number) {
		return failed
	}
	*into, next = d.s.text(pos, column)
	return next
}

// nested reads the fields that are no strings.
func (d *decoder) nested(key string, pos int) (next int) {
	const column = 4
	s, v := d.s, d.now.version
	switch key {
	case "created":
		if !d.once(20) {
			return failed
		}
		v.Created, next = s.time(pos, column)
		return next
	case "removed":
		if !d.once(21) {
			return failed
		}
		v.Removed, next = s.boolean(pos, column)
		return next
	case "deprecated":
		if !d.once(22) {
			return failed
		}
		v.Deprecated, next = s.boolean(pos, column)
		return next
	case "urls":
		if d.once(23) {
			return s.texts(pos, column, &v.URLs)
		}
	case "sources":
		if d.once(24) {
			return s.texts(pos, column, &v.Sources)
		}
	case "keywords":
		if d.once(25) {
			return s.texts(pos, column, &v.Keywords)
		}
	case "maintainers":
		if d.once(26) {
			return s.maintainers(pos, column, &v.Maintainers)
		}
	case "dependencies":
		if d.once(27) {
			return s.dependencies(pos, column, &v.Dependencies)
		}
	case "annotations":
		if d.once(28) {
			v.Annotations = map[string]string{}
			return s.annotations(pos, column, v.Annotations)
		}
	}
	return failed
}

// time reads a point in time as encoding/json does.
func (s source) time(pos, column int) (t time.Time, next int) {
	word, next := s.text(pos, column)
	if next == failed {
		return t, failed
	}
	var buf [64]byte
	if t.UnmarshalText(append(buf[:0], word...)) != nil {
		return t, failed
	}
	return t, next
}

// annotations reads a mapping of strings.
func (s source) annotations(pos, column int, into map[string]string) int {
	if pos = s.endLine(pos); pos == failed || s.indent(pos) != column+2 {
		return failed
	}
	return s.mapping(pos+column+2, column+2, func(key string, quoted bool, pos int) int {
		if _, twice := into[key]; twice || !quoted && !isPlainString(key) {
			return failed
		}
		t, next := s.text(pos, column+2)
		into[key] = t
		return next
	})
}

func (s source) maintainers(pos, column int, into *[]*chart.Maintainer) int {
	*into = nil
	next := s.list(pos, column, func(pos int) int {
		m := &chart.Maintainer{}
		*into = append(*into, m)
		var seen [3]bool
		return s.mapping(pos+1, column+2, func(key string, _ bool, pos int) (next int) {
			field, n := &m.Name, 0
			switch key {
			case "name":
			case "email":
				field, n = &m.Email, 1
			case "url":
				field, n = &m.URL, 2
			default:
				return failed
			}
			if seen[n] {
				return failed
			}
			seen[n] = true
			*field, next = s.text(pos, column+2)
			return next
		})
	})
	*into = slices.Clip(*into)
	return next
}

func (s source) dependencies(pos, column int, into *[]*chart.Dependency) int {
	*into = nil
	next := s.list(pos, column, func(pos int) int {
		dep := &chart.Dependency{}
		*into = append(*into, dep)
		var seen [8]bool
		return s.mapping(pos+1, column+2, func(key string, _ bool, pos int) (next int) {
			var field *string
			n := 0
			switch key {
			case "name":
				field = &dep.Name
			case "version":
				field, n = &dep.Version, 1
			case "repository":
				field, n = &dep.Repository, 2
			case "condition":
				field, n = &dep.Condition, 3
			case "alias":
				field, n = &dep.Alias, 4
			case "tags":
				n = 5
			case "enabled":
				n = 6
			case "import-values":
				n = 7
			default:
				return failed
			}
			if seen[n] {
				return failed
			}
			seen[n] = true
			switch n {
			case 5:
				return s.texts(pos, column+2, &dep.Tags)
			case 6:
				dep.Enabled, next = s.boolean(pos, column+2)
			case 7:
				return s.imports(pos, column+2, &dep.ImportValues)
			default:
				*field, next = s.text(pos, column+2)
			}
			return next
		})
	})
	*into = slices.Clip(*into)
	return next
}

// imports reads a list of strings and of mappings of strings.
func (s source) imports(pos, column int, into *[]any) int {
	return s.list(pos, column, func(pos int) int {
		if _, _, after := s.key(pos + 1); after == failed {
			t, next := s.text(pos, column)
			*into = append(*into, t)
			return next
		}
		table := map[string]any{}
		*into = append(*into, table)
		return s.mapping(pos+1, column+2, func(key string, quoted bool, pos int) int {
			if _, twice := table[key]; twice || !quoted && !isPlainString(key) {
				return failed
			}
			t, next := s.text(pos, column+2)
			table[key] = t
			return next
		})
	})
}
