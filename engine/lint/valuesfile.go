package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/e6d26078/slipway/chart/values/schema"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine/internal/chartutil"
)

const valuesYAML = "values.yaml"

// valuesFile runs Helm's rules on values.yaml.
func (l *linter) valuesFile() {
	path := filepath.Join(l.folder, valuesYAML)
	if _, err := os.Stat(path); err != nil {
		l.helm("values-file", Info, valuesYAML, errors.New("file does not exist"), position{})
		return
	}
	var defaults chartutil.Values
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &defaults)
	}
	if err != nil {
		l.helm("values-file", Error, valuesYAML, fmt.Errorf("unable to parse YAML: %w", err), position{})
		return
	}
	l.valuesText = text
	l.helm("values-schema", Error, valuesYAML, l.checkValues(defaults), position{})
}

// checkValues checks the chart's own values with the user's on top against
// the schema. The subcharts' values are not looked at.
func (l *linter) checkValues(defaults map[string]any) error {
	merged := map[string]any{}
	for key, value := range l.values {
		merged[key] = value
	}
	// The tables below the top are those of l.values and change with it, as
	// they do in Helm, whose later rules see the result.
	overlay(merged, defaults)
	text, err := os.ReadFile(filepath.Join(l.folder, "values.schema.json"))
	if err != nil || len(text) == 0 {
		return nil // Helm does not report an unreadable schema here
	}
	compiled, err := schema.Compile(text, schema.Options{Load: l.options.LoadSchema})
	if err != nil {
		return err
	}
	return compiled.Validate(merged)
}

// overlay fills into the user's values the defaults that they lack. A null of
// the user removes a default that is not null.
func overlay(user, defaults map[string]any) {
	for key, value := range defaults {
		mine, set := user[key]
		if !set {
			user[key] = value
			continue
		}
		if mine == nil && value != nil {
			delete(user, key)
			continue
		}
		table, isTable := value.(map[string]any)
		if mineTable, both := mine.(map[string]any); isTable && both {
			overlay(mineTable, table)
		}
	}
}
