package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// undeclaredFields are the paths in what a server-side apply is refused with that
// has fields which the kind does not have, such as
// `.spec.template.spec.volumes[name="data"].emptyDir.size`. Whoever creates or
// replaces an object gets a warning for these, and the server drops them.
func undeclaredFields(err error) []string {
	var status apierrors.APIStatus
	if !isMisfit(err) || !errors.As(err, &status) {
		return nil
	}
	var paths []string
	for _, match := range undeclared.FindAllStringSubmatch(status.Status().Message, -1) {
		paths = append(paths, match[1])
	}
	return paths
}

var undeclared = regexp.MustCompile(`(?m)(?:^|\): )[ \t]*(\..*): field not declared in schema$`)

// withoutFields is a document without the fields at some paths, and the paths
// that were found. The document given is not changed.
func withoutFields(fields map[string]any, paths []string) (map[string]any, []string) {
	var found []string
	for _, path := range paths {
		if changed, ok := without(fields, path); ok {
			fields, _ = changed.(map[string]any)
			found = append(found, path)
		}
	}
	return fields, found
}

// without is a copy of a value without the field at a path. Names of fields may
// have dots in them, so they are looked for and not split off.
func without(value any, path string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			rest, ok := strings.CutPrefix(path, "."+key)
			switch {
			case !ok:
			case rest == "":
				result := maps.Clone(v)
				delete(result, key)
				return result, true
			case rest[0] == '.' || rest[0] == '[':
				if part, ok := without(v[key], rest); ok {
					result := maps.Clone(v)
					result[key] = part
					return result, true
				}
			}
		}
	case []any:
		for i, item := range v {
			rest, ok := cutItem(path, i, item)
			if !ok {
				continue
			}
			if part, ok := without(item, rest); ok {
				result := slices.Clone(v)
				result[i] = part
				return result, true
			}
		}
	}
	return value, false
}

// cutItem cuts what names an item of a list off a path: its place, as [0], or the
// fields that tell it from others, as [containerPort=80,protocol="TCP"]. Of these
// it may lack those that have a default.
func cutItem(path string, place int, item any) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, "[")
	if !ok {
		return "", false
	}
	if after, ok := strings.CutPrefix(rest, strconv.Itoa(place)+"]"); ok {
		return after, true
	}
	fields, isMap := item.(map[string]any)
	same := 0
	for isMap {
		key, after, found := strings.Cut(rest, "=")
		if !found {
			return "", false
		}
		var value any
		decoder := json.NewDecoder(strings.NewReader(after))
		if decoder.Decode(&value) != nil {
			return "", false
		}
		if has, set := fields[key]; set {
			if !sameScalar(has, value) {
				return "", false
			}
			same++
		}
		rest = after[decoder.InputOffset():]
		if after, ok := strings.CutPrefix(rest, "]"); ok {
			return after, same > 0
		}
		if rest, found = strings.CutPrefix(rest, ","); !found {
			return "", false
		}
	}
	return "", false
}

// sameScalar reports whether a value of a document is the one of a path, where all
// numbers are float64.
func sameScalar(a, b any) bool {
	if n, ok := a.(int64); ok {
		a = float64(n)
	}
	return reflect.DeepEqual(a, b)
}

// warnOfUndeclared tells that fields were left out.
func (w *write) warnOfUndeclared() {
	if len(w.undeclared) == 0 || w.client.options.Warn == nil {
		return
	}
	slices.Sort(w.undeclared)
	w.client.options.Warn(fmt.Sprintf("%s sets fields that its kind does not have; they are left out: %s", w.object.Ref, strings.Join(w.undeclared, ", ")))
}
