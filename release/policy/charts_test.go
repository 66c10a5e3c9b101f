package policy_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/origin"
)

const faulty = "../../testdata/charts-policy"

// rendered is a chart's set with what finds the places of its findings.
func rendered(t testing.TB, dir string, values map[string]any) (*policy.Set, *origin.Finder) {
	t.Helper()
	c, err := chart.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	program, err := engine.Compile(c, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	input := engine.Input{Release: engine.Release{Name: "shop", Namespace: "prod", Revision: 1}, Values: values, Capabilities: engine.DefaultCapabilities()}
	out, err := program.Render(context.Background(), input)
	if err != nil {
		t.Fatal(err)
	}
	var files []manifest.File
	for _, f := range out.Files {
		files = append(files, manifest.File(f))
	}
	_, files = manifest.Notes(files, c.Name(), false)
	sorted, err := manifest.Sort(files, manifest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet("shop", "prod", sorted.Body(nil, manifest.BodyOptions{}), sorted.Hooks, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set, origin.New(program, input, engine.Helm3)
}

// found lists findings as FILE:LINE CHECK.
func found(t testing.TB, set *policy.Set, finder *origin.Finder) []string {
	t.Helper()
	report := policy.Check(set, &policy.Config{})
	list := []string{}
	for i := range report.Findings {
		f := &report.Findings[i]
		finder.Locate(context.Background(), f)
		list = append(list, fmt.Sprintf("%s:%d %s", f.Place.File, f.Place.Line, f.Check))
		if f.Message == "" || f.Fix == "" || f.Ref.Name == "" || f.Severity != policy.Warn {
			t.Errorf("a finding says too little: %+v", f)
		}
	}
	slices.Sort(list)
	return list
}

// expected reads the remarks EXPECT CHECK... at the lines of a chart's templates.
func expected(t testing.TB, dir string) []string {
	t.Helper()
	list := []string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(filepath.Dir(dir), name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(data), "\n") {
			_, checks, marked := strings.Cut(line, "EXPECT ")
			for _, check := range strings.Fields(strings.TrimSuffix(strings.TrimSpace(checks), "*/}}")) {
				if marked {
					list = append(list, fmt.Sprintf("%s:%d %s", filepath.ToSlash(below), i+1, check))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestFaultsAreFoundAtTheirLinesAndNothingElse(t *testing.T) {
	folders, err := os.ReadDir(faulty)
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			dir := filepath.Join(faulty, folder.Name())
			set, finder := rendered(t, dir, nil)
			want := expected(t, dir)
			if (len(want) == 0) != (folder.Name() == "clean") {
				t.Errorf("%d faults are expected", len(want))
			}
			for _, line := range want {
				_, check, _ := strings.Cut(line, " ")
				caught[check] = true
			}
			if diff := cmp.Diff(want, found(t, set, finder)); diff != "" {
				t.Errorf("findings differ (- marked in the chart, + found)\n%s", diff)
			}
		})
	}
	for _, b := range policy.Builtins() {
		if !caught[b.Name] {
			t.Errorf("no chart shows %s", b.Name)
		}
	}
}

func TestNothingIsFoundInTheCreatedChart(t *testing.T) {
	dir, err := chart.Create("web", t.TempDir(), chart.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]any{"enabled": true}
	for name, values := range map[string]map[string]any{
		"defaults":      nil,
		"everything on": {"ingress": on, "httpRoute": on, "autoscaling": on, "networkPolicy": on, "podDisruptionBudget": on},
		"a single pod":  {"replicaCount": int64(1)},
	} {
		set, finder := rendered(t, dir, values)
		if list := found(t, set, finder); len(list) > 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}
