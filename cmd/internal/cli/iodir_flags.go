package cli

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// maxDepth bounds how deep the values in a parameter may be nested.
const maxDepth = 64

// flagArguments writes a parameter as arguments. What the flag itself refuses
// is found when it is parsed.
func flagArguments(f *pflag.Flag, value any) ([]string, error) {
	name := "--" + f.Name + "="
	switch value := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		switch {
		case f.Name == "set":
			return setArguments(nil, "", value, 0)
		case f.Value.Type() == "stringToString":
			return pairArguments(name, value)
		}
		return nil, errors.New("it takes no object")
	case []any:
		kind := f.Value.Type()
		if kind != "stringArray" && kind != "stringSlice" {
			return nil, errors.New("it takes one value, not a list")
		}
		var all []string
		for _, item := range value {
			text, ok := scalarText(item)
			if !ok {
				return nil, errors.New("it takes a list of texts")
			}
			if kind == "stringSlice" {
				text = csvText(text)
			}
			all = append(all, name+text)
		}
		return all, nil
	}
	text, _ := scalarText(value)
	if f.Value.Type() == "stringSlice" {
		text = csvText(text)
	}
	return []string{name + text}, nil
}

// setArguments are values by their paths, as --set-json takes them: the type
// of each is what it is in JSON.
func setArguments(all []string, prefix string, values map[string]any, depth int) ([]string, error) {
	if depth > maxDepth {
		return nil, errors.New("its values are nested too deeply")
	}
	for _, key := range orderedKeys(values) {
		if key == "" {
			return nil, errors.New("it has an empty name")
		}
		path := prefix + key
		if inner, ok := values[key].(map[string]any); ok && len(inner) > 0 {
			var err error
			if all, err = setArguments(all, path+".", inner, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		data, err := json.Marshal(values[key])
		if err != nil {
			return nil, err
		}
		all = append(all, "--set-json="+path+"="+string(data))
	}
	return all, nil
}

// pairArguments are pairs of names and values, an argument each.
func pairArguments(name string, values map[string]any) ([]string, error) {
	var all []string
	for _, key := range orderedKeys(values) {
		text, ok := scalarText(values[key])
		if !ok {
			return nil, errors.New("it takes an object of texts")
		}
		pair := key + "=" + text
		if strings.Count(pair, "=") > 1 { // else it is not read as CSV
			pair = csvText(pair)
		}
		all = append(all, name+pair)
	}
	return all, nil
}

// scalarText is a text, number or truth value as a flag has it.
func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		if value {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// csvText is a text as one field of CSV, which flags of lists are read as.
func csvText(text string) string {
	var out strings.Builder
	w := csv.NewWriter(&out)
	_ = w.Write([]string{text}) // to memory
	w.Flush()
	return strings.TrimSuffix(out.String(), "\n")
}
