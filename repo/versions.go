package repo

import (
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo/internal/parallel"
)

// clean leaves out the entries that are invalid, and puts versions in order.
func (x *Index) clean() {
	names := slices.Sorted(maps.Keys(x.Entries))
	kept, skipped := make([]Versions, len(names)), make([][]string, len(names))
	parallel.Do(len(names), runtime.GOMAXPROCS(0), func(i int) { kept[i], skipped[i] = cleanVersions(names[i], x.Entries[names[i]]) })
	for i, name := range names {
		x.Entries[name] = kept[i]
		x.Skipped = append(x.Skipped, skipped[i]...)
	}
}

// cleanVersions does it for one chart, as Helm does: the API version is v1 if
// there is none, and a dependency that is there twice is accepted.
func cleanVersions(name string, list Versions) (Versions, []string) {
	var skipped []string
	var last *chart.Metadata // a valid one
	kept := list[:0]
	for _, v := range list {
		if v == nil {
			skipped = append(skipped, fmt.Sprintf("chart %q: empty entry", name))
			continue
		}
		if v.Metadata == nil {
			v.Metadata = &chart.Metadata{}
		}
		if v.APIVersion == "" {
			v.APIVersion = "v1"
		}
		if last == nil || !isAsValid(v.Metadata, last) {
			if err := validate(v.Metadata); err != nil {
				skipped = append(skipped, fmt.Sprintf("chart %q %q: %v", name, v.Version, err))
				continue
			}
		}
		last = v.Metadata
		kept = append(kept, v)
	}
	sortVersions(kept)
	return kept, skipped
}

// isAsValid reports whether metadata clearly are as valid as others are that were
// checked: most versions of a chart differ only in their numbers, and share their lists.
func isAsValid(m, checked *chart.Metadata) bool {
	_, ok := parseNumber(m.Version)
	return ok && isPrintable(m.AppVersion) &&
		m.Name == checked.Name && m.Description == checked.Description && m.Home == checked.Home && m.Icon == checked.Icon &&
		m.APIVersion == checked.APIVersion && m.Type == checked.Type && m.Condition == checked.Condition && m.Tags == checked.Tags &&
		m.KubeVersion == checked.KubeVersion && isSameList(m.Sources, checked.Sources) && isSameList(m.Keywords, checked.Keywords) &&
		isSameList(m.Maintainers, checked.Maintainers) && isSameList(m.Dependencies, checked.Dependencies)
}

// isSameList reports whether two lists are one.
func isSameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// validate is Metadata.Validate, for which most metadata needs only a look.
func validate(m *chart.Metadata) error {
	if isClearlyValid(m) {
		return nil
	}
	err := m.Validate()
	// #12748 of Helm: some repositories leave aliases out. What is behind them was not
	// looked at. #DIFFERS: Helm takes a null there.
	if err != nil && strings.HasPrefix(err.Error(), "validation: more than one dependency with name or alias") && !slices.Contains(m.Dependencies, nil) {
		return nil
	}
	return err
}

// isClearlyValid reports whether Validate would change nothing and find nothing.
func isClearlyValid(m *chart.Metadata) bool {
	switch {
	case m.Type != "" && m.Type != "application" && m.Type != "library",
		m.Name == "", m.Name == ".", m.Name == "..", m.Name != filepath.Base(m.Name), m.APIVersion == "",
		!isPrintable(m.Name, m.Description, m.Home, m.Icon, m.Condition, m.Tags, m.AppVersion, m.KubeVersion),
		!isPrintable(m.Sources...), !isPrintable(m.Keywords...):
		return false
	}
	if _, ok := parseNumber(m.Version); !ok {
		return false
	}
	for _, maintainer := range m.Maintainers {
		if maintainer == nil || !isPrintable(maintainer.Name, maintainer.Email, maintainer.URL) {
			return false
		}
	}
	for i, d := range m.Dependencies {
		if d == nil || d.Alias != "" || !isPrintable(d.Name, d.Version, d.Repository, d.Condition) || !isPrintable(d.Tags...) {
			return false
		}
		for _, other := range m.Dependencies[:i] {
			if other.Name == d.Name {
				return false
			}
		}
	}
	return true
}

// isPrintable reports whether all texts are printable ASCII.
func isPrintable(texts ...string) bool {
	for _, t := range texts {
		for _, c := range []byte(t) {
			if c < 0x20 || c > 0x7e {
				return false
			}
		}
	}
	return true
}

// number is a version of three numbers and nothing else.
type number [3]uint64

func (n number) compare(o number) int { return slices.Compare(n[:], o[:]) }

// parseNumber reads the versions that most charts have: 1.2.3 without more.
func parseNumber(t string) (n number, ok bool) {
	part, digits := 0, 0
	for _, c := range []byte(t) {
		switch {
		case c == '.' && digits > 0 && part < 2:
			part, digits = part+1, 0
		case c >= '0' && c <= '9' && digits < 18:
			n[part] = n[part]*10 + uint64(c-'0')
			digits++
		default:
			return n, false
		}
	}
	return n, part == 2 && digits > 0
}

// ordered sorts versions with what was parsed of them, by Helm's algorithm, so
// that equal versions come in Helm's order.
type ordered struct {
	list    Versions
	numbers []number
	others  []*semver.Version // nil for plain numbers
}

func (o *ordered) Len() int { return len(o.list) }

func (o *ordered) Swap(i, j int) {
	o.list[i], o.list[j] = o.list[j], o.list[i]
	o.numbers[i], o.numbers[j] = o.numbers[j], o.numbers[i]
	o.others[i], o.others[j] = o.others[j], o.others[i]
}

// Less is true for the newer version: the order is descending.
func (o *ordered) Less(i, j int) bool {
	if o.others[i] == nil && o.others[j] == nil {
		return o.numbers[i].compare(o.numbers[j]) > 0
	}
	return o.version(j).LessThan(o.version(i))
}

func (o *ordered) version(i int) *semver.Version {
	if v := o.others[i]; v != nil {
		return v
	}
	n := o.numbers[i]
	return semver.New(n[0], n[1], n[2], "", "")
}

// sortVersions puts valid versions in descending order.
func sortVersions(list Versions) {
	if len(list) < 2 {
		return
	}
	o := &ordered{list: list, numbers: make([]number, len(list)), others: make([]*semver.Version, len(list))}
	for i, v := range list {
		var plain bool
		if o.numbers[i], plain = parseNumber(v.Version); plain {
			continue
		}
		parsed, err := semver.NewVersion(v.Version)
		if err != nil { // entries are valid where this is called
			parsed = semver.New(0, 0, 0, "", "")
		}
		o.others[i] = parsed
	}
	sort.Sort(o)
}

// Get finds a version of the chart name: see [Versions.Get].
func (x *Index) Get(name, version string) (*Version, error) {
	list, ok := x.Entries[name]
	if !ok {
		return nil, fmt.Errorf("chart %q: %w", name, ErrNoChart)
	}
	return list.Get(name, version)
}

// Get finds a version as Helm does: the one that is written exactly so, or else
// the newest that satisfies the constraint. No version means the newest that is
// no pre-release; >0.0.0-0 means the newest of all.
func (list Versions) Get(name, version string) (*Version, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("chart %q: %w", name, ErrNoVersion)
	}
	wanted := version
	if wanted == "" {
		wanted = "*"
	}
	constraint, err := semver.NewConstraint(wanted)
	if err != nil {
		return nil, fmt.Errorf("version %q of chart %q: %w", version, name, err)
	}
	if version != "" {
		for _, v := range list {
			if v.Version == version {
				return v, nil
			}
		}
	}
	for _, v := range list {
		if parsed, err := semver.NewVersion(v.Version); err == nil && constraint.Check(parsed) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("%w for %s-%s", ErrNoVersion, name, version)
}
