package plan

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/e6d26078/slipway/release/manifest"
)

// digestAfter is the digest of a plan whose archive had a text replaced.
func digestAfter(t *testing.T, name, old, replacement string) string {
	t.Helper()
	archive := archives(t)["testdata/"+name+".txtar"]
	found := false
	for i := range archive.Files {
		if strings.HasPrefix(archive.Files[i].Name, "plan.") {
			continue
		}
		changed := strings.Replace(string(archive.Files[i].Data), old, replacement, 1)
		found = found || changed != string(archive.Files[i].Data)
		archive.Files[i].Data = []byte(changed)
	}
	if !found && old != "" {
		t.Fatalf("nothing to replace: %s", old)
	}
	return Compute(readInput(t, archive)).Digest()
}

func TestTheDigestTellsWhatWouldBeDone(t *testing.T) {
	for name, test := range map[string]struct {
		file, old, new string
		moved          bool
	}{
		"nothing else":                                       {"upgrade", "", "", false},
		"the status of an object":                            {"upgrade", "status: {replicas: 2}", "status: {replicas: 1}", false},
		"the version of an object":                           {"upgrade", `generation: 1, resourceVersion: "5"`, `generation: 9, resourceVersion: "6"`, false},
		"a live field that is overwritten":                   {"upgrade", "replicas: 2\n", "replicas: 4\n", true},
		"what is wanted":                                     {"upgrade", "    6\n", "    66\n", true},
		"another revision":                                   {"upgrade", "revision 4", "revision 5", true},
		"another operation":                                  {"upgrade", "operation upgrade", "operation rollback", true},
		"a hook more":                                        {"upgrade", "post-upgrade Job 5 late", "post-upgrade Job 5 late\npost-upgrade Job 6 later", true},
		"an object that vanished":                            {"upgrade", "kind: Service\nmetadata: {name: old, namespace: prod}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: stolen, namespace: prod, labels", "kind: Service\nmetadata: {name: old2, namespace: prod}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: stolen, namespace: prod, labels", true},
		"a Secret that was written":                          {"secrets", `resourceVersion: "7"`, `resourceVersion: "8"`, true},
		"the length of a value":                              {"secrets", "CANARY-more", "CANARY-longer", true},
		"a Secret's content, so that nobody can guess at it": {"secrets", "CANARY-more", "CANARY-MORE", false},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := digestAfter(t, test.file, "", ""), digestAfter(t, test.file, test.old, test.new)
			if (before != after) != test.moved {
				t.Errorf("%s, then %s", before, after)
			}
			if !digestForm.MatchString(before) {
				t.Error(before)
			}
		})
	}
}

func TestAPlanThatChangesNothingIsEmpty(t *testing.T) {
	archive := txtar.Parse([]byte("-- input --\noperation upgrade\n-- last.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n-- wanted.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n-- live.yaml --\n"))
	in := readInput(t, archive)
	if Compute(in).Empty() {
		t.Error("an object is missing")
	}
	in.Live = map[manifest.Ref]map[string]any{in.Wanted[0].Ref: Own(in.Wanted[0], "web", "prod").Fields}
	p := Compute(in)
	if !p.Empty() || p.Changes[0].Send || p.Summary().String() != "1 unchanged" {
		t.Errorf("%+v", p)
	}
	if got := Compute(Input{Operation: Upgrade}).Summary().String(); got != "nothing to do" {
		t.Error(got)
	}
	// A field that went out of the document has to be taken out of the object.
	in.Last = objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}")
	if p := Compute(in); !p.Changes[0].Send {
		t.Errorf("%+v", p.Changes)
	}
	// An object on its way out will be gone although it holds everything.
	in.Last = in.Wanted
	going := Own(in.Wanted[0], "web", "prod").Fields
	going["metadata"].(map[string]any)["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	in.Live[in.Wanted[0].Ref] = going
	if p := Compute(in); !p.Changes[0].Send || p.Changes[0].Action != Update {
		t.Errorf("%+v", p.Changes)
	}
}

func TestOwnMarksACopy(t *testing.T) {
	for name, text := range map[string]string{
		"nothing there": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}",
		"others there":  "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {a: b, app.kubernetes.io/managed-by: x}, annotations: {c: d}}",
	} {
		t.Run(name, func(t *testing.T) {
			o := objects(t, text)[0]
			owned := Own(o, "web", "prod")
			if !OwnerOf(owned.Fields).Is("web", "prod") || OwnerOf(owned.Fields).Is("web", "other") {
				t.Errorf("%+v", owned)
			}
			if !equal(o.Fields, fields(t, text)) {
				t.Errorf("the original has changed: %v", o.Fields)
			}
			if !Holds(owned.Fields, Own(owned, "web", "prod").Fields) {
				t.Error("marking twice is not marking once")
			}
		})
	}
	if got := OwnerOf(nil); got != (Owner{}) || got.String() != "no release" {
		t.Errorf("%+v", got)
	}
}

func TestOneObjectUnderTwoVersionsIsNotDeleted(t *testing.T) {
	old := objects(t, "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}")
	wanted := objects(t, "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}")
	is := func(version string) map[string]any {
		return fields(t, "apiVersion: "+version+"\nkind: Ingress\nmetadata: {name: a, uid: u1, labels: {app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: prod}}")
	}
	p := Compute(Input{Release: "web", Namespace: "prod", Operation: Upgrade, Last: old, Wanted: wanted, Live: map[manifest.Ref]map[string]any{
		old[0].Ref: is("extensions/v1beta1"), wanted[0].Ref: is("networking.k8s.io/v1"),
	}})
	if len(p.Changes) != 1 || p.Changes[0].Action != Adopt {
		t.Errorf("%+v", p.Changes)
	}
}

func BenchmarkCompute(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(strings.ReplaceAll("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-N, labels: {app: web}}\nspec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'web:1', args: [a, b], env: [{name: A, value: b}], ports: [{containerPort: 80}]}]}}}\n", "N", strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)))
	}
	in := Input{Release: "web", Namespace: "prod", Operation: Upgrade}
	in.Last = objects(b, text.String())
	in.Wanted = objects(b, strings.ReplaceAll(text.String(), "web:1", "web:2"))
	in.Live = map[manifest.Ref]map[string]any{}
	for i := range in.Last {
		in.Live[in.Last[i].Ref] = Own(in.Last[i], "web", "prod").Fields
	}
	for b.Loop() {
		p := Compute(in)
		if s := p.Summary(); s.Update != 1000 {
			b.Fatal(s)
		}
		p.Digest()
	}
}
