package chart

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/e6d26078/slipway/chart/yaml"
)

const (
	apiVersionV1 = "v1"
	apiVersionV2 = "v2"

	chartFile  = "Chart.yaml"
	lockFile   = "Chart.lock"
	valuesFile = "values.yaml"
	schemaFile = "values.schema.json"

	// The files of apiVersion v1 that became parts of Chart.yaml and Chart.lock.
	requirementsFile     = "requirements.yaml"
	requirementsLockFile = "requirements.lock"

	templatesDir = "templates/"
	chartsDir    = "charts/"
)

// buildRoot makes the chart that the caller asked for.
func (ld *loading) buildRoot(files []File) (*Chart, error) {
	c, warnings, err := ld.build(files, 0)
	ld.warnings = append(ld.warnings, warnings...)
	return c, err
}

// build makes a chart, with its subcharts, of all its files. It keeps files.
func (ld *loading) build(files []File, depth int) (*Chart, []string, error) {
	if depth > maxDepth {
		return nil, nil, tooLarge("charts lie in each other more than %d deep", maxDepth)
	}
	if err := checkDuplicates(files); err != nil {
		return nil, nil, err
	}
	b := builder{chart: new(Chart)}
	if err := b.readMetadata(files); err != nil {
		return nil, nil, err
	}
	own, subs := b.sort(files)
	for i := range own {
		if err := b.add(&own[i]); err != nil {
			return nil, nil, err
		}
	}
	if b.chart.Metadata == nil {
		return nil, nil, errors.New("Chart.yaml file is missing")
	}
	if err := b.chart.Validate(); err != nil {
		return nil, nil, err
	}
	built, err := ld.buildSubcharts(b.chart.Name(), subs, depth)
	if err != nil {
		return nil, nil, err
	}
	for _, sub := range built {
		b.chart.AddDependency(sub.chart)
		b.warnings = append(b.warnings, sub.warnings...)
	}
	return b.chart, b.warnings, nil
}

// checkDuplicates refuses two files of one name: which of them counts depends
// on who reads the archive.
func checkDuplicates(files []File) error {
	seen := make(map[string]struct{}, len(files))
	for i := range files {
		seen[files[i].Name] = struct{}{}
		if len(seen) <= i {
			return refused("chart contains two files named %q; remove one of them", files[i].Name)
		}
	}
	return nil
}

// builder makes one chart without its subcharts.
type builder struct {
	chart    *Chart
	warnings []string
}

// readMetadata fills Raw and reads Chart.yaml, wherever it stands in the list.
func (b *builder) readMetadata(files []File) error {
	b.chart.Raw = make([]*File, len(files))
	for i := range files {
		f := &files[i]
		b.chart.Raw[i] = f
		if f.Name != chartFile {
			continue
		}
		b.chart.Metadata = new(Metadata)
		if err := decodeMetadata(f.Data, b.chart.Metadata); err != nil {
			return fmt.Errorf("cannot load Chart.yaml: %w", err)
		}
		if b.chart.Metadata.APIVersion == "" {
			b.chart.Metadata.APIVersion = apiVersionV1
		}
	}
	return nil
}

// sort parts the files that belong to the chart itself from those of its
// subcharts, and gives the subcharts in the order of their names. The own
// files are copies, so that Raw and Templates do not share them.
func (b *builder) sort(files []File) (own []File, subs []*subchart) {
	own = make([]File, 0, len(files))
	var last *subchart
	var byName map[string]*subchart
	for _, f := range files {
		inside, ok := strings.CutPrefix(f.Name, chartsDir)
		if !ok || path.Ext(f.Name) == ".prov" {
			own = append(own, f)
			continue
		}
		name, _, _ := strings.Cut(inside, "/")
		if last == nil || last.name != name {
			if last = byName[name]; last == nil {
				last = &subchart{name: name}
				subs = append(subs, last)
				if byName == nil {
					byName = make(map[string]*subchart)
				}
				byName[name] = last
			}
		}
		last.files = append(last.files, File{Name: inside, Data: f.Data})
		last.size += len(f.Data)
	}
	slices.SortFunc(subs, func(a, b *subchart) int { return strings.Compare(a.name, b.name) })
	return own, subs
}

// add puts one file of the chart itself where it belongs.
func (b *builder) add(f *File) error {
	c := b.chart
	switch {
	case f.Name == chartFile:
	case f.Name == lockFile:
		return b.readLock(f)
	case f.Name == valuesFile:
		values, err := yaml.DecodeMap(f.Data)
		if err != nil {
			return fmt.Errorf("cannot load values.yaml: %w", err)
		}
		if values == nil {
			values = map[string]any{}
		}
		c.Values = values
	case f.Name == schemaFile:
		c.Schema = f.Data
	case f.Name == requirementsFile:
		return b.readRequirements(f)
	case f.Name == requirementsLockFile:
		if err := b.readLock(f); err != nil {
			return err
		}
		b.keepForV1(f, `Dependency locking is handled in Chart.lock since apiVersion "v2". We recommend migrating to Chart.lock.`)
	case strings.HasPrefix(f.Name, templatesDir):
		c.Templates = append(c.Templates, f)
	default:
		c.Files = append(c.Files, f)
	}
	return nil
}

func (b *builder) readLock(f *File) error {
	b.chart.Lock = new(Lock)
	if err := yaml.Unmarshal(f.Data, &b.chart.Lock); err != nil {
		return fmt.Errorf("cannot load %s: %w", f.Name, err)
	}
	return nil
}

// readRequirements merges requirements.yaml into the metadata, for every
// apiVersion, as Helm does.
func (b *builder) readRequirements(f *File) error {
	if b.chart.Metadata == nil {
		return nil // Chart.yaml is missing; build says so
	}
	if err := decodeMetadata(f.Data, b.chart.Metadata); err != nil {
		return fmt.Errorf("cannot load requirements.yaml: %w", err)
	}
	b.keepForV1(f, `Dependencies are handled in Chart.yaml since apiVersion "v2". We recommend migrating dependencies to Chart.yaml.`)
	return nil
}

// keepForV1 keeps f among the files when the chart is of apiVersion v1, and
// warns otherwise.
func (b *builder) keepForV1(f *File, advice string) {
	m := b.chart.Metadata
	if m == nil {
		return
	}
	if m.APIVersion == apiVersionV1 {
		b.chart.Files = append(b.chart.Files, f)
		return
	}
	b.warnings = append(b.warnings, "chart "+m.Name+": "+advice)
}

// subchart is an entry of charts/ while its chart is being loaded.
type subchart struct {
	name  string
	files []File // their names begin with the entry's
	size  int

	chart    *Chart
	warnings []string
	err      error
}

// worthForking is how many bytes a subchart has at least that is built in a
// goroutine of its own.
const worthForking = 8 << 10

// buildSubcharts builds what lies in charts/, several at a time when there are
// processors to spare.
func (ld *loading) buildSubcharts(parent string, subs []*subchart, depth int) ([]*subchart, error) {
	var wg sync.WaitGroup
	built := subs[:0:0]
	for i, s := range subs {
		if s.name == "" || s.name[0] == '_' || s.name[0] == '.' {
			continue
		}
		built = append(built, s)
		if i < len(subs)-1 && s.size >= worthForking && ld.takeSpare() {
			wg.Add(1)
			go func() {
				defer wg.Done()
				defer ld.giveSpare()
				ld.buildSubchart(s, parent, depth)
			}()
			continue
		}
		ld.buildSubchart(s, parent, depth)
		if s.err != nil {
			break
		}
	}
	wg.Wait()
	for _, s := range built {
		if s.err != nil {
			return nil, s.err
		}
	}
	return built, nil
}

func (ld *loading) takeSpare() bool {
	select {
	case ld.spare <- struct{}{}:
		ld.forked.Store(true)
		return true
	default:
		return false
	}
}

func (ld *loading) giveSpare() { <-ld.spare }

// buildSubchart builds s from an archive or from the files of its folder.
func (ld *loading) buildSubchart(s *subchart, parent string, depth int) {
	var files []File
	var warnings []string
	if path.Ext(s.name) == ".tgz" {
		if s.files[0].Name != s.name {
			s.err = fmt.Errorf("error unpacking subchart tar in %s: expected %s, got %s", parent, s.name, s.files[0].Name)
			return
		}
		files, warnings, s.err = ld.unpack(s.files[0].Data)
	} else {
		files = s.files[:0]
		for _, f := range s.files {
			if _, name, ok := strings.Cut(f.Name, "/"); ok {
				files = append(files, File{Name: name, Data: f.Data})
			}
		}
	}
	if s.err == nil {
		s.chart, s.warnings, s.err = ld.build(files, depth+1)
		s.warnings = append(warnings, s.warnings...)
	}
	if s.err != nil {
		s.err = fmt.Errorf("error unpacking subchart %s in %s: %w", s.name, parent, s.err)
	}
}
