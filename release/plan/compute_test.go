package plan

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/e6d26078/slipway/release/manifest"
)

var update = flag.Bool("update", false, "write the goldens")

// readInput turns the files of an archive into an input.
func readInput(t testing.TB, archive *txtar.Archive) Input {
	t.Helper()
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	in := Input{Release: "web", Namespace: "prod",
		Last: objects(t, files["last.yaml"]), Attempted: objects(t, files["attempted.yaml"]),
		Wanted: objects(t, files["wanted.yaml"]), CRDs: objects(t, files["crds.yaml"]),
		Live: live(t, files["live.yaml"]), Applied: live(t, files["applied.yaml"]),
		Problems: map[manifest.Ref]Problem{},
	}
	for line := range strings.Lines(files["input"]) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 5)
		switch words[0] {
		case "operation":
			in.Operation = Operation(words[1])
		case "revision":
			in.Revision, _ = strconv.Atoi(words[1])
		case "force":
			in.Force = true
		case "take-ownership":
			in.TakeOwnership = true
		case "apply-crds":
			in.ApplyCRDs = true
		case "problem":
			problem := Problem{Kind: ProblemKind(words[3])}
			if problem.Kind == ConflictProblem {
				problem.Message = "other managers hold fields"
				problem.Conflicts = []Conflict{{"kubectl", ".data.a"}}
			} else {
				problem.Message = words[4]
			}
			for _, o := range in.Wanted {
				if o.Ref.String() == words[1]+" "+words[2] {
					in.Problems[o.Ref] = problem
				}
			}
		default:
			t.Fatalf("what is %q?", line)
		}
	}
	for line := range strings.Lines(files["hooks"]) {
		words := strings.Fields(line)
		weight, _ := strconv.Atoi(words[2])
		in.Hooks = append(in.Hooks, manifest.Hook{Events: []manifest.Event{manifest.Event(words[0])}, Kind: words[1],
			Weight: weight, Name: words[3], DeletePolicies: []manifest.DeletePolicy{manifest.BeforeHookCreation}})
	}
	return in
}

func archives(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no archives", err)
	}
	found := map[string]*txtar.Archive{}
	for _, path := range paths {
		if found[path], err = txtar.ParseFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestPlansAreTheGoldenOnes(t *testing.T) {
	for path, archive := range archives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			p := Compute(readInput(t, archive))
			var human bytes.Buffer
			if err := p.Text(&human, TextOptions{Context: 1}); err != nil {
				t.Fatal(err)
			}
			data, err := p.JSON()
			if err != nil {
				t.Fatal(err)
			}
			for name, got := range map[string]string{"plan.txt": human.String(), "plan.json": string(data)} {
				i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
				if i < 0 {
					i = len(archive.Files)
					archive.Files = append(archive.Files, txtar.File{Name: name})
				}
				if *update {
					archive.Files[i].Data = []byte(got)
				} else if diff := cmp.Diff(string(archive.Files[i].Data), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if *update {
				slices.SortStableFunc(archive.Files, func(a, b txtar.File) int {
					return strings.Compare(orderOf(a.Name), orderOf(b.Name))
				})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// orderOf puts the goldens last.
func orderOf(name string) string {
	switch name {
	case "plan.txt":
		return "1"
	case "plan.json":
		return "2"
	}
	return "0"
}

func TestNoSecretIsInAnyFormOfAPlan(t *testing.T) {
	in := readInput(t, archives(t)["testdata/secrets.txtar"])
	p := Compute(in)
	forms := map[string]string{"%+v of the changes": fmt.Sprintf("%+v", p.Changes[0].Fields), "%#v": fmt.Sprintf("%#v", p.Changes[0].Fields)}
	for name, options := range map[string]TextOptions{"text": {Unchanged: true}, "coloured": {Color: true}} {
		var b bytes.Buffer
		if err := p.Text(&b, options); err != nil {
			t.Fatal(err)
		}
		forms[name] = b.String()
	}
	data, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	forms["JSON"] = string(data)
	path := filepath.Join(t.TempDir(), "plan")
	if err := NewFile(p, 1, zeroDigest, Payload{Secret: "frozen"}).Write(path); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	forms["file"] = string(data)
	drifts := Drift(in.Wanted, in.Live, nil)
	if data, err = DriftJSON("web", "prod", drifts); err != nil {
		t.Fatal(err)
	}
	forms["drift"] = string(data) + fmt.Sprint(drifts)
	for name, form := range forms {
		for _, secret := range []string{"CANARY", "Q0FOQVJZ"} {
			if strings.Contains(form, secret) {
				t.Errorf("%s has %s:\n%s", name, secret, form)
			}
		}
	}
}

func TestEqualInputsGiveEqualPlans(t *testing.T) {
	for path, archive := range archives(t) {
		first, err := Compute(readInput(t, archive)).JSON()
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			again, err := Compute(readInput(t, archive)).JSON()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(first), string(again)); diff != "" {
				t.Fatalf("%s: %s", path, diff)
			}
		}
	}
}

func TestComputeDoesNotChangeItsInput(t *testing.T) {
	for path, archive := range archives(t) {
		in := readInput(t, archive)
		Compute(in)
		if diff := cmp.Diff(readInput(t, archive), in); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
