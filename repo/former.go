package repo

import "github.com/e6d26078/slipway/chart"

// former is what the version before in the list of a chart has in the fields that
// hardly ever change from one to the next. The same text is not decoded again; its
// values are copied, so that versions share nothing but strings.
type former struct {
	text         [lastFields]source // behind the key's colon, to the end of the value
	texts        [lastMaintainers][]string
	maintainers  []*chart.Maintainer
	dependencies []*chart.Dependency
}

// The fields of a former. Those of texts come first.
const (
	lastSources = iota
	lastKeywords
	lastMaintainers
	lastDependencies
	lastFields
)

// again returns where the value at pos ends, if it is the one that the version
// before has, and failed otherwise.
func (d *decoder) again(field, pos int) int {
	const column = 4
	text := d.last.text[field]
	if text == "" || len(d.s)-pos < len(text) || d.s[pos:pos+len(text)] != text {
		return failed
	}
	next := pos + len(text)
	if next == len(d.s) {
		return next
	}
	// What follows may belong to the value as well.
	n := d.s.indent(next)
	if n > column || d.s.at(next+n) == '\n' || n == column && d.s.isItem(next+n) {
		return failed
	}
	return next
}

// decoded keeps the text of a value that ends at next.
func (d *decoder) decoded(field, pos, next int) int {
	d.last.text[field] = ""
	if next != failed {
		d.last.text[field] = d.s[pos:next]
	}
	return next
}

func (d *decoder) repeatedTexts(field, pos int, into *[]string) int {
	if next := d.again(field, pos); next != failed {
		*into = d.copied(d.last.texts[field])
		return next
	}
	next := d.texts(pos, 4, into)
	d.last.texts[field] = *into
	return d.decoded(field, pos, next)
}

func (d *decoder) copied(list []string) []string {
	return d.from.texts.keep(append(d.from.texts.room(len(list)), list...))
}

func (d *decoder) repeatedMaintainers(pos int, into *[]*chart.Maintainer) int {
	if next := d.again(lastMaintainers, pos); next != failed {
		*into = make([]*chart.Maintainer, len(d.last.maintainers))
		for i, m := range d.last.maintainers {
			(*into)[i] = d.from.maintainers.one()
			*(*into)[i] = *m
		}
		return next
	}
	next := d.maintainers(pos, 4, into)
	d.last.maintainers = *into
	return d.decoded(lastMaintainers, pos, next)
}

func (d *decoder) repeatedDependencies(pos int, into *[]*chart.Dependency) int {
	if next := d.again(lastDependencies, pos); next != failed {
		*into = make([]*chart.Dependency, len(d.last.dependencies))
		for i, dep := range d.last.dependencies {
			(*into)[i] = d.from.dependencies.one()
			*(*into)[i] = *dep
			(*into)[i].Tags = d.copied(dep.Tags)
		}
		return next
	}
	next := d.dependencies(pos, 4, into)
	d.last.dependencies = *into
	for _, dep := range *into {
		if dep.ImportValues != nil { // tables, which take as long to copy
			d.decoded(lastDependencies, pos, failed)
			return next
		}
	}
	return d.decoded(lastDependencies, pos, next)
}
