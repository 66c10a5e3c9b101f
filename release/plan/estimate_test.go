package plan

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/manifest"
)

func TestAnEstimateIsTheLiveObjectWithWhatIsWanted(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for name, test := range map[string]struct {
		last, live, wanted string
		want               []string
	}{
		"a field of somebody else stays":  {"spec: {a: 1}", "spec: {a: 1, b: 2}", "spec: {a: 1}", nil},
		"a field less":                    {"spec: {a: 1, b: 2}", "spec: {a: 1, b: 3}", "spec: {a: 1}", []string{"spec.b removed 3 <nil>"}},
		"a field that became null":        {"spec: {a: 1}", "spec: {a: 1}", "spec: {a: null}", []string{"spec.a removed 1 <nil>"}},
		"another value":                   {"spec: {a: 1}", "spec: {a: 1, b: 2}", "spec: {a: 2}", []string{"spec.a changed 1 2"}},
		"an element changed":              {"spec: {c: [{name: a, i: 1}]}", "spec: {c: [{name: a, i: 1, d: 2}]}", "spec: {c: [{name: a, i: 2}]}", []string{"spec.c[name=a].i changed 1 2"}},
		"an element's field less":         {"spec: {c: [{name: a, i: 1, e: []}]}", "spec: {c: [{name: a, i: 1, e: [], d: 2}]}", "spec: {c: [{name: a, i: 1}]}", []string{"spec.c[name=a].e removed [] <nil>"}},
		"a volume of another type":        {"spec: {v: [{name: a, x: {}}]}", "spec: {v: [{name: a, x: {}}]}", "spec: {v: [{name: a, z: {}}]}", []string{"spec.v[name=a].x removed map[] <nil>", "spec.v[name=a].z added <nil> map[]"}},
		"an element more":                 {"spec: {c: [{name: a}]}", "spec: {c: [{name: a, d: 1}]}", "spec: {c: [{name: a}, {name: b}]}", []string{"spec.c[name=b] added <nil> map[name:b]"}},
		"an element less":                 {"spec: {c: [{name: a}, {name: b}]}", "spec: {c: [{name: a, d: 1}, {name: b}]}", "spec: {c: [{name: a}]}", []string{"spec.c[name=b] removed map[name:b] <nil>"}},
		"plain lists are replaced":        {"spec: {c: [a, b]}", "spec: {c: [a, b]}", "spec: {c: [b]}", []string{"spec.c[0] changed a b", "spec.c[1] removed b <nil>"}},
		"elements by place keep defaults": {"spec: {c: [{a: 1}, {a: 1}]}", "spec: {c: [{a: 1, d: 1}, {a: 1, d: 1}]}", "spec: {c: [{a: 1}, {a: 2}]}", []string{"spec.c[1].a changed 1 2"}},
		"the same quantity":               {"", "spec: {limits: {cpu: '1'}, x: 1}", "spec: {limits: {cpu: 1000m}, x: 2}", []string{"spec.x changed 1 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := fields(t, head+test.live)
			after := estimate(before, []manifest.Object{objects(t, head+test.last)[0]}, fields(t, head+test.wanted))
			var got []string
			for _, c := range Diff(before, after) {
				got = append(got, fmt.Sprint(c.Path, " ", c.Op, " ", c.Old, " ", c.New))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if !equal(before, fields(t, head+test.live)) {
				t.Error("the live object has changed")
			}
		})
	}
}
