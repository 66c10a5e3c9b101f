package why

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart/yaml"
)

const podText = `
metadata: {labels: {a.b/c: x, plain: z, "~": t, "0": zero}}
spec:
  containers:
    - {name: web, image: "web:1", args: [-a, -b]}
    - {name: side, image: "side:1"}
`

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := yaml.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPathsLeadToFields(t *testing.T) {
	object := decode(t, podText)
	for text, want := range map[string]string{
		"spec.containers[0].image":                    "spec.containers[0].image = web:1",
		".spec.containers[name=side].image":           "spec.containers[1].image = side:1",
		`$.metadata.labels["a.b/c"]`:                  `metadata.labels["a.b/c"] = x`,
		`metadata.labels['a.b/c']`:                    `metadata.labels["a.b/c"] = x`,
		`metadata.labels.a\.b/c`:                      `metadata.labels["a.b/c"] = x`,
		`["metadata"].labels.plain`:                   "metadata.labels.plain = z",
		`spec.containers[image="web:1"].args[1]`:      "spec.containers[0].args[1] = -b",
		"metadata.labels.a.b/c":                       `metadata.labels["a.b/c"] = x`,
		"/spec/containers/1/image":                    "spec.containers[1].image = side:1",
		"/metadata/labels/a.b~1c":                     `metadata.labels["a.b/c"] = x`,
		"/metadata/labels/~0":                         `metadata.labels.~ = t`,
		"spec.containers.1.image":                     "spec.containers[1].image = side:1",
		"{.spec.containers[0].image}":                 "spec.containers[0].image = web:1",
		`{.spec.containers[?(@.name=="side")].image}`: "spec.containers[1].image = side:1",
		"metadata.labels.0":                           "metadata.labels.0 = zero",
		"/metadata/labels/0":                          "metadata.labels.0 = zero",
	} {
		p, err := ParsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		resolved, value, err := p.Resolve(object)
		if got := fmt.Sprintf("%s = %v", resolved, value); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestPathsThatLeadNowhereAreRefused(t *testing.T) {
	object := decode(t, podText)
	for text, want := range map[string]string{
		"":                             "it is empty",
		"a..b":                         "empty key",
		"a[":                           "has no end",
		`a["b`:                         "has no end",
		"a[-1]":                        "no index",
		"spec.containers[*].image":     "no index",
		"spec..image":                  "empty key",
		"/":                            "empty key",
		"/spec/":                       "empty key",
		"/spec/containers/2":           "spec.containers has no 2",
		"/spec/containers/-":           "spec.containers has no -",
		"spec/containers":              "the object has no spec/containers",
		"metadata.labels.a.b/d":        "metadata.labels has no a",
		"spec.nodeName":                "spec has no nodeName",
		"kind":                         "the object has no kind",
		"spec.containers[2]":           "spec.containers has no [2]",
		"spec.containers[name=x].a":    "spec.containers has no [name=x]",
		"spec.containers.web":          "spec.containers has no web",
		"spec.containers[0].image.tag": "spec.containers[0].image has no tag",
	} {
		p, err := ParsePath(text)
		if err == nil {
			_, _, err = p.Resolve(object)
			var missing *NoFieldError
			if !errors.As(err, &missing) {
				t.Errorf("%s: %v is no NoFieldError", text, err)
			}
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

func TestAFieldIsFollowedIntoAChangedObject(t *testing.T) {
	for name, c := range map[string]struct{ base, changed, path, want string }{
		"an element by its name":       {"l: [{name: a, v: 1}]", "l: [{name: b, v: 2}, {name: a, v: 3}]", "l[0].v", "3"},
		"a renamed element":            {"l: [{name: a, v: 1}]", "l: [{name: b, v: 2}]", "l[0].v", "2"},
		"a named element that is gone": {"l: [{name: a, v: 1}]", "l: [{name: b, v: 2}, {name: c}]", "l[0].v", "nothing"},
		"one that was moved":           {"l: [a, b]", "l: [x, a, b]", "l[1]", "b"},
		"one that was changed":         {"l: [a, b]", "l: [a, c]", "l[1]", "c"},
		"one that is gone":             {"l: [a, b]", "l: [a]", "l[1]", "nothing"},
		"a key that is gone":           {"m: {a: 1}", "m: {b: 1}", "m.a", "nothing"},
	} {
		p, err := ParsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := follow(decode(t, c.base), decode(t, c.changed), p)
		got := fmt.Sprint(v)
		if !ok {
			got = "nothing"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
