package repo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
)

// TestALockedBuildIsTheOneThatIsTaken has an index with versions that differ in their
// build metadata alone, which are equal as versions.
func TestALockedBuildIsTheOneThatIsTaken(t *testing.T) {
	var list Versions
	for _, text := range []string{"2.0.0", "1.0.0+b", "1.0.0+a", "1.0"} {
		list = append(list, &Version{Metadata: &chart.Metadata{Name: "web", Version: text}, URLs: []string{text}})
	}
	for wanted, want := range map[string]string{"1.0.0+a": "1.0.0+a", "1.0.0+b": "1.0.0+b", "1.0": "1.0", "1.0.0+c": "1.0.0+b", "": "2.0.0"} {
		if got := sameVersion(list, wanted); got == nil || got.Version != want {
			t.Errorf("%q is %v, want %s", wanted, got, want)
		}
	}
}

// TestARepositoryThatIsThereTwiceIsRemoved has a file that was edited by hand.
func TestARepositoryThatIsThereTwiceIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "repositories.yaml")
	write(t, path, []byte("repositories:\n- {name: a, url: 'https://one.example.com'}\n- {name: b, url: 'https://b.example.com'}\n- {name: a, url: 'https://two.example.com'}\n"))
	if err := ChangeConfig(path, func(c *Config) error {
		if !c.Remove("a") {
			return fmt.Errorf("it was not there")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if c, err := LoadConfig(path); err != nil || len(c.Entries) != 1 || c.Get("a") != nil {
		t.Errorf("%d repositories are left, a is %v (%v)", len(c.Entries), c.Get("a"), err)
	}
}

// TestALinkedConfigurationStaysLinked has repositories.yaml in another folder, behind a link.
func TestALinkedConfigurationStaysLinked(t *testing.T) {
	dir := t.TempDir()
	path, real := filepath.Join(dir, "repositories.yaml"), filepath.Join(dir, "elsewhere.yaml")
	write(t, real, []byte("repositories: []\n"))
	if err := os.Symlink("elsewhere.yaml", path); err != nil {
		t.Skip(err)
	}
	if err := ChangeConfig(path, func(c *Config) error { c.Put(&Entry{Name: "a", URL: "https://a.example.com"}); return nil }); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(real); err != nil || !strings.Contains(string(text), "a.example.com") {
		t.Errorf("the file behind the link has %q (%v)", text, err)
	}
	if _, err := os.Readlink(path); err != nil {
		t.Errorf("the link was replaced: %v", err)
	}
}
