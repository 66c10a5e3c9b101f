package repo

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// TestANullBehindADoubledDependencyIsNoCrash has an entry of which the checks end at
// the dependency that is there twice.
func TestANullBehindADoubledDependencyIsNoCrash(t *testing.T) {
	const entry = "  %s:\n  - name: %s\n    version: 1.0.0\n    urls: [a]\n    dependencies:\n    - name: a\n    - name: a\n%s"
	x, err := ParseIndex([]byte("apiVersion: v1\nentries:\n" + fmt.Sprintf(entry, "db", "db", "") + fmt.Sprintf(entry, "web", "web", "    - null\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Skipped) != 1 || !strings.Contains(x.Skipped[0], "web") {
		t.Errorf("left out: %q", x.Skipped)
	}
	merged := &Index{APIVersion: "v1", Generated: time.Unix(0, 0), Entries: map[string]Versions{}}
	merged.Merge(x)
	text, err := merged.AppendYAML(nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseIndex(text); err != nil || len(again.Entries["db"]) != 1 || len(again.Entries["web"]) != 0 {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestANullInALockIsNoCrash has a lock whose digest is right.
func TestANullInALockIsNoCrash(t *testing.T) {
	digest, err := LockDigest([]*chart.Dependency{{Name: "a", Version: "1.x", Repository: "file://a"}}, []*chart.Dependency{nil})
	if err != nil {
		t.Fatal(err)
	}
	dir := tree(t, map[string]string{
		"Chart.yaml": head("top", "a file://a"), "a/Chart.yaml": head("a"),
		"Chart.lock": "dependencies:\n- null\ndigest: " + digest + "\ngenerated: \"2026-01-01T00:00:00Z\"\n",
	})
	d := &Dependencies{Source: &Source{Home: Home{Config: filepath.Join(dir, "none.yaml")}}}
	if err := d.Build(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "Chart.lock") {
		t.Errorf("%v", err)
	}
}
