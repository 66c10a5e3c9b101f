package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// selector is a label selector. The zero value is none, which selects nothing.
type selector struct {
	labels  map[string]string
	terms   []term
	present bool
}

// term is one of matchExpressions.
type term struct {
	key, operator string
	values        []string
}

// selectorOf reads a selector: a mapping of labels if plain, as Services have
// it, otherwise matchLabels and matchExpressions.
func selectorOf(v any, plain bool) selector {
	m, ok := v.(map[string]any)
	if !ok {
		return selector{}
	}
	if plain {
		return selector{labels: texts(m), present: len(m) > 0}
	}
	s := selector{labels: texts(m["matchLabels"]), present: true}
	list, _ := m["matchExpressions"].([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		t := term{key: textOf(fields["key"]), operator: textOf(fields["operator"])}
		values, _ := fields["values"].([]any)
		for _, v := range values {
			t.values = append(t.values, textOf(v))
		}
		s.terms = append(s.terms, t)
	}
	return s
}

// everything reports whether it selects all pods there are.
func (s selector) everything() bool { return s.present && len(s.labels) == 0 && len(s.terms) == 0 }

// matches reports whether it selects what has the labels.
func (s selector) matches(labels map[string]string) bool {
	if !s.present {
		return false
	}
	for key, value := range s.labels {
		if has, ok := labels[key]; !ok || has != value {
			return false
		}
	}
	for _, t := range s.terms {
		value, has := labels[t.key]
		listed := slices.Contains(t.values, value)
		switch t.operator {
		case "In":
			if !has || !listed {
				return false
			}
		case "NotIn":
			if has && listed {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		default: // the API server refuses it
			return false
		}
	}
	return true
}

// String is how kubectl shows a selector.
func (s selector) String() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(s.labels)) {
		parts = append(parts, key+"="+s.labels[key])
	}
	for _, t := range s.terms {
		switch t.operator {
		case "Exists":
			parts = append(parts, t.key)
		case "DoesNotExist":
			parts = append(parts, "!"+t.key)
		default:
			parts = append(parts, fmt.Sprintf("%s %s (%s)", t.key, strings.ToLower(t.operator), strings.Join(t.values, ",")))
		}
	}
	return strings.Join(parts, ",")
}
