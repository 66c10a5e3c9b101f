package repo

import (
	"fmt"
	"strings"
	"testing"
	"time"
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
