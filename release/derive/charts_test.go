package derive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// rendered is what a chart renders to, without hooks.
func rendered(t *testing.T, folder string, values map[string]any) []manifest.Object {
	t.Helper()
	c, err := chart.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.Render(context.Background(), engine.Input{Release: engine.Release{Name: "shop", Namespace: "prod"}, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	var files []manifest.File
	for _, f := range out.Files {
		if !strings.HasSuffix(f.Name, "NOTES.txt") {
			files = append(files, manifest.File{Name: f.Name, Content: f.Content})
		}
	}
	set, err := manifest.Sort(files, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, set.Body(nil, manifest.BodyOptions{}))
}

func TestARealChart(t *testing.T) {
	folder := filepath.Join("..", "..", "testdata", "charts", "shop")
	for name, test := range map[string]struct {
		values map[string]any
		form   Form
		early  int
	}{
		"another image":    {map[string]any{"image": "example.test/shop:2.0"}, Adoptable, 0},
		"another greeting": {map[string]any{"greeting": "good day"}, Labelled, 0},
		"more of both":     {map[string]any{"greeting": "good day", "image": "example.test/shop:2.0", "extra": map[string]any{"a": "b"}}, Labelled, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := Input{Release: "shop", Namespace: "prod", Revision: 2, Settings: rollout.Settings{Strategy: rollout.BlueGreen},
				Base: rendered(t, folder, nil), Target: rendered(t, folder, test.values), Again: rendered(t, folder, test.values)}
			in.Live = liveOf(in.Base, nil)
			p := mustCompute(t, in)
			if len(p.Workloads) != 1 || p.Workloads[0].Form != test.form || len(p.Services) != 1 || p.Services[0].Preview != "shop-preview" || len(p.Early) != test.early {
				t.Errorf("got %+v", p)
			}
			same(t, "the zero view", mustObjects(t, p, in, rollout.View{}, Observed{}), in.Base)
			same(t, "the last view", mustObjects(t, p, in, rollout.View{Target: true, Prune: true}, Observed{}), in.Target)
		})
	}
}

// goldens reads what Helm makes of real charts.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	folder := os.Getenv("SLIPWAY_CORPUS")
	if folder == "" {
		t.Skip("SLIPWAY_CORPUS is not set")
	}
	archive, err := os.Open(filepath.Join(folder, "goldens.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	plain, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeReg {
			texts[header.Name] = string(content)
		}
	}
}

// TestNewImagesOfRealCharts gives every container of real charts another
// image: each workload with pods can be launched, or there is a reason why not.
func TestNewImagesOfRealCharts(t *testing.T) {
	planned, why := 0, map[string]int{}
	for name, text := range goldens(t) {
		in := canaryOf(t, text, text)
		if !renewImages(in.Target) {
			continue
		}
		before, after := copyOf(in.Base), copyOf(in.Target)
		p, err := Compute(in)
		if err != nil {
			for _, r := range reasonsOf(t, err) {
				words := strings.Fields(r.Why)
				why[strings.Join(words[:min(5, len(words))], " ")]++
				if r.Remedy == "" {
					t.Errorf("%s: %s: %s: no remedy", name, r.Ref, r.Why)
				}
			}
			continue
		}
		planned++
		same(t, name+": the zero view", mustObjects(t, p, in, rollout.View{}, Observed{}), before)
		same(t, name+": the last view", mustObjects(t, p, in, rollout.View{Target: true, Prune: true}, Observed{}), after)
		v := rollout.View{Early: true, Clones: true, Full: true, Paused: true}
		checkObjects(t, p, mustObjects(t, p, in, v, Observed{}), v)
		same(t, name+": the target", in.Target, after)
	}
	t.Logf("%d charts can be launched in steps; the others because: %v", planned, why)
	if planned == 0 {
		t.Error("no chart can be launched")
	}
}

func renewImages(objects []manifest.Object) bool {
	renewed := false
	for _, o := range objects {
		if !slices.Contains([]string{"Deployment", "StatefulSet"}, o.Kind) {
			continue
		}
		for _, container := range mappings(at(o.Fields, "spec", "template", "spec", "containers")) {
			container["image"] = text(container["image"]) + "-next"
			renewed = true
		}
	}
	return renewed
}
