package derive

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/rollout"
)

var update = flag.Bool("update", false, "write the goldens")

// TestGoldens works out each archive of testdata: from base.yaml, target.yaml,
// live.yaml (what is not as in the base), around.yaml and again.yaml comes
// plan.json, and for each line of views its objects. Words of input are settings.
func TestGoldens(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			results := goldenResults(t, files)
			kept := archive.Files[:0:0]
			for _, f := range archive.Files {
				if f.Name != "plan.json" && !strings.HasPrefix(f.Name, "view ") {
					kept = append(kept, f)
				}
			}
			if *update {
				archive.Files = append(kept, results...)
				if err := os.WriteFile(path, txtar.Format(archive), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(kept)+len(results) != len(archive.Files) {
				t.Errorf("%d goldens, want %d", len(archive.Files)-len(kept), len(results))
			}
			for _, r := range results {
				if diff := cmp.Diff(files[r.Name], string(r.Data)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", r.Name, diff)
				}
			}
		})
	}
}

// golden writes the views of one archive.
type golden struct {
	t                  *testing.T
	base, target, made index
}

func goldenResults(t *testing.T, files map[string]string) []txtar.File {
	in := Input{Release: "web", Namespace: "prod", Revision: 7, Settings: rollout.Settings{Strategy: rollout.Canary},
		Base: objects(t, files["base.yaml"]), Target: objects(t, files["target.yaml"]), Around: fieldsOf(objects(t, files["around.yaml"]))}
	in.Live = liveOf(in.Base, objects(t, files["live.yaml"]))
	if files["again.yaml"] != "" {
		in.Again = objects(t, files["again.yaml"])
	}
	for _, word := range strings.Fields(files["input"]) {
		switch word {
		case "blue-green":
			in.Settings.Strategy = rollout.BlueGreen
		case "total":
			in.Settings.Total = true
		case "ungated":
			in.Options.Ungated = true
		case "router":
			in.Options.Router, in.Routers = "test", []Router{fakeRouter{}}
		default:
			t.Fatalf("what is %q?", word)
		}
	}
	p := mustCompute(t, in)
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	results := []txtar.File{{Name: "plan.json", Data: append(data, '\n')}}
	g := &golden{t: t, base: indexOf(in.Base), target: indexOf(in.Target), made: index{}}
	for line := range strings.Lines(files["views"]) {
		name := strings.TrimSpace(line)
		v, o := readView(t, name)
		results = append(results, txtar.File{Name: "view " + name, Data: g.shown(mustObjects(t, p, in, v, o))})
	}
	return results
}

// readView reads "early clones full paused pin=canary web=9/1 hash=web:abc/def live=web:12".
func readView(t *testing.T, words string) (rollout.View, Observed) {
	v := rollout.View{Counts: map[string]rollout.Split{}}
	o := Observed{Hashes: map[string]rollout.Hashes{}, Replicas: map[string]int{}}
	flags := map[string]*bool{"early": &v.Early, "clones": &v.Clones, "adopted": &v.Adopted, "full": &v.Full, "paused": &v.Paused,
		"preview": &v.Preview, "target": &v.Target, "prune": &v.Prune, "base": new(bool)}
	for _, word := range strings.Fields(words) {
		if f := flags[word]; f != nil {
			*f = true
			continue
		}
		key, value, _ := strings.Cut(word, "=")
		name, rest, _ := strings.Cut(value, ":")
		switch key {
		case "pin":
			v.Pin = rollout.Side(value)
		case "scaler":
			v.Scaler = rollout.Scaler(value)
		case "weight":
			v.Routed = true
			v.Weight, _ = strconv.Atoi(value)
		case "hash":
			stable, canary, _ := strings.Cut(rest, "/")
			o.Hashes[name] = rollout.Hashes{Stable: stable, Canary: canary}
		case "live":
			o.Replicas[name], _ = strconv.Atoi(rest)
		case "count":
			var s rollout.Split
			if _, err := fmt.Sscanf(rest, "%d/%d", &s.Stable, &s.Canary); err != nil {
				t.Fatal(err)
			}
			v.Counts[name] = s
		default:
			t.Fatalf("what is %q?", word)
		}
	}
	return v, o
}

// shown writes a line for each object: whose it is, and in which fields it
// differs. Objects that the rollout makes are written whole once.
func (g *golden) shown(all []manifest.Object) []byte {
	var b bytes.Buffer
	for _, o := range all {
		likes := []struct {
			name string
			o    *manifest.Object
		}{{"base", g.base.find(o.Ref)}, {"target", g.target.find(o.Ref)}, {"before", g.made.find(o.Ref)}}
		like, least := "", []plan.FieldChange(nil)
		for _, l := range likes {
			if l.o == nil {
				continue
			}
			switch changes := plan.Diff(l.o.Fields, o.Fields); {
			case like == "" || len(changes) < len(least):
				like, least = l.name, changes
			case len(changes) == 0:
				like += " and " + l.name
			}
		}
		if like == "" {
			g.made[identify(o.Ref)] = &o
			data, err := sigsyaml.Marshal(o.Fields)
			if err != nil {
				g.t.Fatal(err)
			}
			b.WriteString("---\n")
			b.Write(data)
			b.WriteString("---\n")
			continue
		}
		fmt.Fprintf(&b, "%s: %s\n", o.Ref, like)
		for _, c := range least {
			before, _ := json.Marshal(c.Old)
			after, _ := json.Marshal(c.New)
			fmt.Fprintf(&b, "    %s: %s -> %s\n", c.Path, before, after)
		}
	}
	return b.Bytes()
}
