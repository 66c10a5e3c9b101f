package rollouttest

import (
	"os"
	"strings"
	"testing"
)

// Run runs the script in a file, which has to print what it says. With rewrite
// the file is made to say what was printed.
func Run(t *testing.T, path string, rewrite bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Play(string(data))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if got == string(data) {
		return
	}
	if rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s: %s", path, firstDifference(string(data), got))
}

// Play runs a script and returns it with what its commands print now.
func Play(script string) (string, error) {
	var out strings.Builder
	session := &Session{}
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "  ") {
			continue // printed by an earlier run
		}
		out.WriteString(line)
		command, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		printed, err := session.Do(strings.TrimSpace(command))
		if err != nil {
			return "", err
		}
		for text := range strings.Lines(printed) {
			out.WriteString("  " + text)
		}
	}
	return out.String(), nil
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	command := ""
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if strings.HasPrefix(b, "> ") {
			command = b
		}
		if a != b {
			return "after " + command + ":\n want " + a + "\n  got " + b + "\n(-rewrite takes what is printed now)"
		}
	}
	return ""
}
