package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestRenderingIsBuiltFromHelmsVersions holds that the libraries which decide what
// templates print are those that Helm v3.22.0 is built from. A module that is added
// elsewhere can raise them without a word.
func TestRenderingIsBuiltFromHelmsVersions(t *testing.T) {
	different := map[string]string{ // and why it does not matter
		"github.com/spf13/cast":         "v1.7.1 parses unsigned numbers differently, which no template function asks for",
		"github.com/klauspost/compress": "archives unpack to the same bytes",
		"golang.org/x/crypto":           "keys and hashes",
		"github.com/e6d26078/slipway":   "ours",
	}
	list := func(dir string, args ...string) []string {
		cmd := exec.Command("go", append([]string{"list"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list %v in %s: %v", args, dir, err)
		}
		return strings.Fields(string(out))
	}
	helms := map[string]string{}
	for _, m := range list("../../testdata/peers/helm3", "-m", "-f", "{{.Path}}@{{.Version}}", "all") {
		path, version, _ := strings.Cut(m, "@")
		helms[path] = version
	}
	seen := map[string]bool{}
	for _, m := range list("../..", "-deps", "-f", "{{with .Module}}{{.Path}}@{{.Version}}{{end}}", "./engine") {
		path, version, _ := strings.Cut(m, "@")
		if seen[path] || different[path] != "" {
			continue
		}
		seen[path] = true
		if helms[path] != version {
			t.Errorf("%s is %s here and %s in Helm: see which module in go.mod raises it, or say why it does not matter", path, version, helms[path])
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d modules were compared: %v", len(seen), seen)
	}
}
