package server

import (
	"fmt"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/docs/schema"
)

// maxConfig is the size of a configuration file, in bytes.
const maxConfig = 1 << 20

// configFile knows where in a file things are.
type configFile struct {
	name   string
	places *yaml.Positions
}

// readConfig reads a YAML file into a value, if it is as a schema wants it. Errors
// name the file and the line.
func readConfig(name string, data []byte, rules string, into any) (*configFile, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%s: it has more than %d bytes", name, maxConfig)
	}
	places, err := schema.Check(name, data, rules)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &configFile{name, places}, nil
}

// fault is an error about what stands at a path.
func (f *configFile) fault(path []any, format string, args ...any) error {
	steps := make([]string, len(path))
	for i, step := range path {
		steps[i] = fmt.Sprint(step)
	}
	return fmt.Errorf("%s: %w", schema.Place(f.name, f.places, steps...), fmt.Errorf(format, args...))
}
