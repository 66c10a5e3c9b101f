package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsMadeFromTheCommandsIsUpToDate(t *testing.T) {
	folder := t.TempDir()
	schema, help := filepath.Join(folder, "schema"), filepath.Join(folder, "help")
	if err := write(schema, help); err != nil {
		t.Fatal(err)
	}
	for made, kept := range map[string]string{schema: "../../../docs/schema/params.v1.json", help: "../../jenkins/vars/slipway.txt"} {
		want, err := os.ReadFile(made)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(have)); diff != "" {
			t.Errorf("%s is out of date, run: make docs (- generated, + found)\n%s", kept, diff)
		}
	}
}

// TestTheHelpTellsOfAllMethods holds the help against the library.
func TestTheHelpTellsOfAllMethods(t *testing.T) {
	library, err := os.ReadFile("../../jenkins/vars/slipway.groovy")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range methods {
		words := strings.Fields(command)
		name := words[len(words)-1]
		if !strings.Contains(string(library), "def "+name+"(Map cfg") || !strings.Contains(helpHead, name) {
			t.Errorf("%s is not in the library, or not in its help", command)
		}
	}
}
