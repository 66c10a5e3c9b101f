package analysis

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/e6d26078/slipway/release/rollout"
)

// maxMetrics is how many metrics a file can have.
const maxMetrics = 100

// ParseMetrics reads the metrics in an operator's file: a list of them, or the
// list at the key metrics of an object whose other keys are not looked at. The
// form is rollout.Metric's as JSON or YAML, with durations as in 30s, and with
// the name of a file where a Job's manifest is, which read is asked for. That
// name is local to the folder of the operator's file; read should keep to that
// folder for symbolic links, too, as os.Root does.
//
// Each metric has been checked. Errors name file and line.
func ParseMetrics(data []byte, file string, read func(name string) ([]byte, error)) ([]rollout.Metric, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: it has more than one document", file)
	}
	d := decoding{file}
	list, err := d.list(&document)
	if list == nil || err != nil {
		return nil, err
	}
	names := map[string]bool{}
	metrics := make([]rollout.Metric, len(list.Content))
	for i, node := range list.Content {
		m := &metrics[i]
		if err := d.decode(node, reflect.ValueOf(m).Elem(), fmt.Sprintf("metrics[%d]", i)); err != nil {
			return nil, err
		}
		if err := finish(m, read); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, node.Line, err)
		}
		if names[m.Name] {
			return nil, fmt.Errorf("%s:%d: metric %q: another one has that name", file, node.Line, m.Name)
		}
		names[m.Name] = true
	}
	return metrics, nil
}

// finish reads what a metric refers to, and checks it.
func finish(m *rollout.Metric, read func(string) ([]byte, error)) error {
	if m.NoData == "pause" {
		m.NoData = rollout.NoDataPause
	}
	if job := m.Provider.Job; job != nil {
		if read == nil || !filepath.IsLocal(job.Manifest) {
			return fmt.Errorf("metric %q: job: manifest is not the name of a file in the folder of this file", m.Name)
		}
		text, err := read(job.Manifest)
		if err != nil {
			return fmt.Errorf("metric %q: job: read manifest: %w", m.Name, err)
		}
		job.Manifest = string(text)
	}
	return Check(*m)
}

// decoding turns nodes of YAML into Go values, strictly.
type decoding struct{ file string }

// list finds the list of metrics; nil if there is none.
func (d decoding) list(document *yaml.Node) (*yaml.Node, error) {
	if len(document.Content) == 0 {
		return nil, nil
	}
	top := document.Content[0]
	if top.Kind == yaml.MappingNode {
		var found *yaml.Node
		for i := 0; i+1 < len(top.Content); i += 2 {
			if top.Content[i].Value != "metrics" {
				continue
			}
			if found != nil {
				return nil, d.fault(top.Content[i], "metrics stands twice")
			}
			found = top.Content[i+1]
		}
		if top = found; top == nil {
			return nil, nil
		}
	}
	switch {
	case top.Kind == yaml.ScalarNode && top.Tag == "!!null":
		return nil, nil
	case top.Kind != yaml.SequenceNode:
		return nil, d.fault(top, "metrics is not a list")
	case len(top.Content) > maxMetrics:
		return nil, d.fault(top, "%d metrics are too many, %d are allowed", len(top.Content), maxMetrics)
	}
	return top, nil
}

func (d decoding) fault(node *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", d.file, node.Line, fmt.Sprintf(format, args...))
}

// decode reads a node into a value; path names it in errors.
func (d decoding) decode(node *yaml.Node, into reflect.Value, path string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		if node.Tag == "!!null" && into.Type().Elem().Kind() == reflect.Struct {
			return nil // "helmTest:" says as much as "helmTest: {}"
		}
		return d.decode(node, into.Elem(), path)
	case reflect.Struct:
		return d.object(node, into, path)
	case reflect.Map:
		return d.texts(node, into, path)
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return d.fault(node, "%s is not a list", path)
		}
		list := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
		for i, element := range node.Content {
			if err := d.decode(element, list.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		into.Set(list)
		return nil
	}
	return d.scalar(node, into, path)
}

// object reads an object, all of whose keys have to be known.
func (d decoding) object(node *yaml.Node, into reflect.Value, path string) error {
	return d.pairs(node, path, func(key, value *yaml.Node) error {
		for i := range into.NumField() {
			name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ",")
			if name == key.Value {
				return d.decode(value, into.Field(i), path+"."+name)
			}
		}
		return d.fault(key, "%s has no field %q", path, cut(key.Value))
	})
}

// texts reads an object of texts.
func (d decoding) texts(node *yaml.Node, into reflect.Value, path string) error {
	into.Set(reflect.MakeMap(into.Type()))
	return d.pairs(node, path, func(key, value *yaml.Node) error {
		text := reflect.New(into.Type().Elem()).Elem()
		if err := d.decode(value, text, path+"."+cut(key.Value)); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(key.Value), text)
		return nil
	})
}

func (d decoding) pairs(node *yaml.Node, path string, each func(key, value *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return d.fault(node, "%s is not an object", path)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return d.fault(key, "%s has a key that is not a text", path)
		}
		if seen[key.Value] {
			return d.fault(key, "%s.%s stands twice", path, cut(key.Value))
		}
		seen[key.Value] = true
		if err := each(key, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (d decoding) scalar(node *yaml.Node, into reflect.Value, path string) error {
	if node.Kind != yaml.ScalarNode {
		return d.fault(node, "%s is not a single value", path)
	}
	switch {
	case into.Type() == reflect.TypeFor[time.Duration]():
		v, err := time.ParseDuration(node.Value)
		if err != nil {
			return d.fault(node, "%s is not a duration, such as 30s or 5m", path)
		}
		into.SetInt(int64(v))
	case into.Kind() == reflect.Int:
		v, err := strconv.ParseInt(node.Value, 10, 32)
		if err != nil || node.Tag != "!!int" {
			return d.fault(node, "%s is not a whole number", path)
		}
		into.SetInt(v)
	case into.Kind() == reflect.Bool:
		if node.Tag != "!!bool" || (node.Value != "true" && node.Value != "false") {
			return d.fault(node, "%s is not true or false", path)
		}
		into.SetBool(node.Value == "true")
	case into.Kind() == reflect.String:
		if node.Tag != "!!str" {
			return d.fault(node, "%s is not a text: put it in quotes", path)
		}
		into.SetString(node.Value)
	default:
		return d.fault(node, "%s cannot be read", path)
	}
	return nil
}
