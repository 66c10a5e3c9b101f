package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	helm "helm.sh/helm/v3/pkg/release"
	helmtime "helm.sh/helm/v3/pkg/time"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/repo"
)

// anything are the places of documents, by schema, where there may be any
// value: what is a chart's, a user's or an API server's.
var anything = map[string]string{
	"plan.v1.json":           `^/changes/\d+/fields/\d+/(old|new)(/|$)`,
	"plan-file.v1.json":      `^/changes/\d+/fields/\d+/(old|new)(/|$)`,
	"rollout-plan.v1.json":   `^/promotion/changes/\d+/fields/\d+/(old|new)(/|$)`,
	"drift.v1.json":          `^/objects/\d+/fields/\d+/(old|new)(/|$)`,
	"serve-api.v1.json":      `^/values/`,
	"release.v1.json":        `^/(config|chart/values|info/resources/[^/]+/[^/]+/\d+)/`,
	"values.v1.json":         `^/`,
	"values-explain.v1.json": `^/(value|origins/\d+/value)(/|$)`,
	"preflight.v1.json":      `^/findings/\d+/metadata/`,
	// Members may be added in this one.
	"why.v1.json": `/unknownMember$|(^|/)(value|is)$`,
}

// TestSchemasRefuseWhatIsBroken changes the examples in the schemas in one place
// after another: another kind of value, and a member that nobody knows.
func TestSchemasRefuseWhatIsBroken(t *testing.T) {
	for name, examples := range publishedOutputs(t) {
		schema, err := compilePublished(name)
		if err != nil {
			t.Error(err)
			continue
		}
		open := regexp.MustCompile("$^")
		if pattern := anything[name]; pattern != "" {
			open = regexp.MustCompile(pattern)
		}
		refused := 0
		for i, example := range examples {
			if err := schema.Validate(example); err != nil {
				t.Errorf("%s: example %d: %v", name, i, err)
			}
			breakEverywhere(example, "", func(where string, broken any) {
				switch isValid := schema.Validate(broken) == nil; {
				case !isValid:
					refused++
				case !open.MatchString(where):
					text, _ := json.Marshal(broken)
					t.Errorf("%s: example %d, broken at %s, is taken: %s", name, i, where, text)
				}
			})
		}
		if refused == 0 {
			t.Errorf("%s takes everything", name)
		}
	}
}

// breakEverywhere hands over copies of a document, each of which is broken in one place.
func breakEverywhere(document any, where string, do func(where string, broken any)) {
	var wrong any = -7.5
	if _, isNumber := document.(float64); isNumber {
		wrong = "x"
	}
	do(where, wrong)
	switch document := document.(type) {
	case map[string]any:
		with := func(key string, value any) any {
			all := map[string]any{key: value}
			for k, v := range document {
				if k != key {
					all[k] = v
				}
			}
			return all
		}
		do(where+"/unknownMember", with("unknownMember", -7.5))
		for key, value := range document {
			path := where + "/" + strings.ReplaceAll(key, "~", "~0")
			breakEverywhere(value, path, func(at string, broken any) { do(at, with(key, broken)) })
		}
	case []any:
		for i, value := range document {
			breakEverywhere(value, fmt.Sprintf("%s/%d", where, i), func(at string, broken any) {
				all := slices.Clone(document)
				all[i] = broken
				do(at, all)
			})
		}
	}
}

// notPrinted are fields of types that are emptied before they are printed.
var notPrinted = map[string]bool{"derived": true, "hashes": true, "config": true}

// TestSchemasHaveTheFieldsOfWhatIsPrinted compares schemas with the types that
// are encoded, so that a field which no script brings about is in them too.
func TestSchemasHaveTheFieldsOfWhatIsPrinted(t *testing.T) {
	for _, printed := range []struct {
		place string // in docs/schema
		value any
	}{
		{"release.v1.json", helm.Release{}},
		{"list.v1.json#/$defs/release", listed{}},
		{"history.v1.json", []revisionLine{}},
		{"history-audit.v1.json", []auditLine{}},
		{"metadata.v1.json", releaseMetadata{}},
		{"images.v1.json", []imageUser{}},
		{"drift.v1.json#/properties/objects", []plan.ObjectDrift{}},
		{"plan.v1.json#/$defs/change", plan.Change{}},
		{"plan.v1.json#/$defs/hook", plan.Hook{}},
		{"plan.v1.json#/$defs/summary", plan.Summary{}},
		{"plan-file.v1.json", struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			plan.File
		}{}},
		{"rollout-result.v1.json", rolloutEnd{}},
		{"rollout-status.v1.json", statusDoc{}},
		{"rollout-list.v1.json", []listedRollout{}},
		{"rollout-plan.v1.json", rolloutPlanDoc{}},
		{"rollout-guard.v1.json", []guarded{}},
		{"repo-list.v1.json", []repoElement{}},
		{"push.v1.json", pushedDoc{}},
		{"verify.v1.json", verified{}},
		{"bundle.v1.json", bundleDoc{}},
		{"migrate-check.v1.json", []migration{}},
		{"values-explain.v1.json", jsonExplanation{}},
		{"repo-import.v1.json", link.ImportReport{}},
		{"repo-index.v1.json", repo.Index{}},
		{"result.v1.json", resultDoc{}},
		{"events.v1.json", eventLine{}},
	} {
		file, node := refer(t, "", printed.place)
		compareWithType(t, printed.place, file, node, reflect.TypeOf(printed.value))
	}
}

// refer finds what a $ref in a schema file names.
func refer(t *testing.T, file, ref string) (string, map[string]any) {
	t.Helper()
	name, path, _ := strings.Cut(ref, "#")
	if name == "" {
		name = file
	}
	data, err := os.ReadFile(filepath.Join(schemaFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	var node map[string]any
	if err := json.Unmarshal(data, &node); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, key := range strings.Split(path, "/")[1:] {
		node, _ = node[key].(map[string]any)
	}
	if node == nil {
		t.Fatalf("%s: there is no %s", file, ref)
	}
	return name, node
}

func compareWithType(t *testing.T, where, file string, node map[string]any, goType reflect.Type) {
	t.Helper()
	for node["$ref"] != nil {
		file, node = refer(t, file, node["$ref"].(string))
	}
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	wanted := ""
	switch goType.Kind() {
	case reflect.Interface:
		return
	case reflect.String:
		wanted = "string"
	case reflect.Bool:
		wanted = "boolean"
	case reflect.Int, reflect.Int64:
		wanted = "integer"
	case reflect.Float64:
		wanted = "number"
	case reflect.Map:
		wanted = "object"
		if inner, ok := node["additionalProperties"].(map[string]any); ok {
			compareWithType(t, where+"/*", file, inner, goType.Elem())
		} else if goType.Elem().Kind() != reflect.Interface {
			t.Errorf("%s does not say what the members are", where)
		}
	case reflect.Slice:
		wanted = "array"
		if goType == reflect.TypeFor[json.RawMessage]() {
			return
		}
		if goType.Elem().Kind() == reflect.Uint8 {
			wanted = "string"
		} else if inner, ok := node["items"].(map[string]any); ok {
			compareWithType(t, where+"/0", file, inner, goType.Elem())
		} else {
			t.Errorf("%s does not say what the elements are", where)
		}
	case reflect.Struct:
		wanted = "object"
		if goType == reflect.TypeFor[time.Time]() || goType == reflect.TypeFor[helmtime.Time]() {
			wanted = "string"
		} else {
			compareMembers(t, where, file, node, goType)
		}
	default:
		t.Fatalf("%s: %v", where, goType)
	}
	types := fmt.Sprint(node["type"])
	if node["type"] == nil && (node["enum"] != nil || node["const"] != nil || node["anyOf"] != nil) {
		return
	}
	if !strings.Contains(types, wanted) {
		t.Errorf("%s has the type %s, and %s is printed", where, types, wanted)
	}
}

func compareMembers(t *testing.T, where, file string, node map[string]any, goType reflect.Type) {
	t.Helper()
	properties, _ := node["properties"].(map[string]any)
	if node["maxProperties"] == 0.0 {
		return // is emptied before it is printed
	}
	required, _ := node["required"].([]any)
	left := map[string]bool{}
	for name := range properties {
		left[name] = true
	}
	for _, field := range reflect.VisibleFields(goType) {
		tag := field.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		if name == "" || name == "-" || notPrinted[name] && left[name] == false && strings.HasPrefix(where, "rollout-status") {
			continue
		}
		if !left[name] {
			t.Errorf("%s lacks %s", where, name)
			continue
		}
		delete(left, name)
		isOptional := strings.Contains(options, "omitzero") ||
			strings.Contains(options, "omitempty") && (field.Type.Kind() != reflect.Struct)
		if !isOptional && !slices.Contains(required, any(name)) {
			t.Errorf("%s does not require %s, which is always there", where, name)
		}
		compareWithType(t, where+"/"+name, file, properties[name].(map[string]any), field.Type)
	}
	for name := range left {
		t.Errorf("%s has %s, which is never printed", where, name)
	}
}
