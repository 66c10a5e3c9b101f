package chart

import (
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// decodeMetadata reads Chart.yaml, or what requirements.yaml adds to it, into m.
// The usual shapes are taken over directly; for every other one, and for every
// error, the YAML package does the work by encoding/json's rules.
func decodeMetadata(data []byte, m *Metadata) error {
	tree, err := yaml.DecodeMap(data)
	if err == nil {
		draft := *m
		if takeMetadata(tree, &draft) {
			*m = draft
			return nil
		}
	}
	return yaml.Unmarshal(data, m)
}

// takeMetadata gives false, with m half filled, if a value has not the type
// that is expected or a key is known only in another case.
func takeMetadata(tree map[string]any, m *Metadata) bool {
	for key, v := range tree {
		ok := true
		switch key {
		case "name":
			ok = takeString(v, &m.Name)
		case "home":
			ok = takeString(v, &m.Home)
		case "sources":
			ok = takeStrings(v, &m.Sources)
		case "version":
			ok = takeString(v, &m.Version)
		case "description":
			ok = takeString(v, &m.Description)
		case "keywords":
			ok = takeStrings(v, &m.Keywords)
		case "maintainers":
			ok = takeList(v, &m.Maintainers, takeMaintainer)
		case "icon":
			ok = takeString(v, &m.Icon)
		case "apiVersion":
			ok = takeString(v, &m.APIVersion)
		case "condition":
			ok = takeString(v, &m.Condition)
		case "tags":
			ok = takeString(v, &m.Tags)
		case "appVersion":
			ok = takeString(v, &m.AppVersion)
		case "deprecated":
			m.Deprecated, ok = v.(bool)
		case "annotations":
			ok = takeAnnotations(v, &m.Annotations)
		case "kubeVersion":
			ok = takeString(v, &m.KubeVersion)
		case "dependencies":
			ok = takeList(v, &m.Dependencies, takeDependency)
		case "type":
			ok = takeString(v, &m.Type)
		default:
			ok = isForeign(key, metadataKeys)
		}
		if !ok {
			return false
		}
	}
	return true
}

func takeMaintainer(tree map[string]any, m *Maintainer) bool {
	for key, v := range tree {
		ok := true
		switch key {
		case "name":
			ok = takeString(v, &m.Name)
		case "email":
			ok = takeString(v, &m.Email)
		case "url":
			ok = takeString(v, &m.URL)
		default:
			ok = isForeign(key, maintainerKeys)
		}
		if !ok {
			return false
		}
	}
	return true
}

func takeDependency(tree map[string]any, d *Dependency) bool {
	for key, v := range tree {
		ok := true
		switch key {
		case "name":
			ok = takeString(v, &d.Name)
		case "version":
			ok = takeString(v, &d.Version)
		case "repository":
			ok = takeString(v, &d.Repository)
		case "condition":
			ok = takeString(v, &d.Condition)
		case "tags":
			ok = takeStrings(v, &d.Tags)
		case "enabled":
			d.Enabled, ok = v.(bool)
		case "import-values":
			d.ImportValues, ok = v.([]any)
		case "alias":
			ok = takeString(v, &d.Alias)
		default:
			ok = isForeign(key, dependencyKeys)
		}
		if !ok {
			return false
		}
	}
	return true
}

const (
	metadataKeys   = " name home sources version description keywords maintainers icon apiversion condition tags appversion deprecated annotations kubeversion dependencies type "
	maintainerKeys = " name email url "
	dependencyKeys = " name version repository condition tags enabled import-values alias "
)

// isForeign reports whether key, which is none of known as it stands, is none
// of them in any case either: encoding/json ignores case.
func isForeign(key, known string) bool {
	for i := 0; i < len(key); i++ {
		if key[i] >= 0x80 || key[i] == ' ' {
			return false
		}
	}
	return !strings.Contains(known, " "+strings.ToLower(key)+" ")
}

// takeString takes a string, and the numbers that look the same however they
// are turned into one.
func takeString(v any, to *string) bool {
	switch v := v.(type) {
	case string:
		*to = v
		return true
	case float64:
		if v >= 0.001 && v < 100_000 {
			*to = strconv.FormatFloat(v, 'g', -1, 32)
			return true
		}
	}
	return false
}

func takeStrings(v any, to *[]string) bool {
	list, ok := v.([]any)
	if !ok || *to != nil {
		return false
	}
	*to = make([]string, len(list))
	for i, item := range list {
		if !takeString(item, &(*to)[i]) {
			return false
		}
	}
	return true
}

func takeList[T any](v any, to *[]*T, take func(map[string]any, *T) bool) bool {
	list, ok := v.([]any)
	if !ok || *to != nil {
		return false
	}
	items := make([]T, len(list))
	*to = make([]*T, len(list))
	for i, item := range list {
		tree, ok := item.(map[string]any)
		if !ok || !take(tree, &items[i]) {
			return false
		}
		(*to)[i] = &items[i]
	}
	return true
}

func takeAnnotations(v any, to *map[string]string) bool {
	tree, ok := v.(map[string]any)
	if !ok || *to != nil {
		return false
	}
	*to = make(map[string]string, len(tree))
	for key, item := range tree {
		var text string
		if !takeString(item, &text) {
			return false
		}
		(*to)[key] = text
	}
	return true
}
