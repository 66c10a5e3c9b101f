package plan

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func aFile(t testing.TB) *File {
	t.Helper()
	p := Compute(readInput(t, archives(t)["testdata/upgrade.txtar"]))
	return NewFile(p, 3, zeroDigest, Payload{OpenPGP: messageStart + "\n\nabc\n"})
}

func TestAPlanFileComesBackAsItWasWritten(t *testing.T) {
	for _, name := range []string{"upgrade", "refused", "secrets", "uninstall", "forced"} {
		t.Run(name, func(t *testing.T) {
			p := Compute(readInput(t, archives(t)["testdata/"+name+".txtar"]))
			path := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(path, []byte("older"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := NewFile(p, p.Revision-1, zeroDigest, Payload{Secret: "frozen"}).Write(path); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			f, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if f.Digest != p.Digest() || f.BaseRevision != p.Revision-1 || f.Payload.Secret != "frozen" || f.Summary != p.Summary() {
				t.Errorf("got %+v", f)
			}
			// What is shown of the file is what is shown of the plan.
			var fromPlan, fromFile bytes.Buffer
			if err := p.Text(&fromPlan, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := f.Text(&fromFile, TextOptions{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fromPlan.String(), fromFile.String()); diff != "" {
				t.Error(diff)
			}
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".plan-*")); err != nil || len(left) > 0 {
				t.Errorf("left over: %v, %v", left, err)
			}
		})
	}
}

func TestAFileThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "missing")
	if err := aFile(t).Write(filepath.Join(folder, "plan.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	bad := aFile(t)
	bad.Inputs = "none"
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := bad.Write(path); err == nil {
		t.Error("a file without a digest was written")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "older" {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestWrongPlanFilesAreRefusedWithTheirPlace(t *testing.T) {
	data, err := indented(fileDocument{APIVersion, fileKind, aFile(t)})
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	for name, test := range map[string]struct{ old, new, want string }{
		"another version":        {`"slipway.dev/v1"`, `"slipway.dev/v9"`, `f.json:2: apiVersion: "slipway.dev/v9" is not "slipway.dev/v1"`},
		"another kind":           {`"kind": "PlanFile"`, `"kind": "Plan"`, `f.json:3: kind: "Plan" is not "PlanFile"`},
		"unknown field":          {`"release": "web"`, `"releas": "web"`, `f.json:4: releas: unknown field`},
		"other capitals":         {`"release": "web"`, `"Release": "web"`, `f.json:4: Release: unknown field`},
		"a field twice":          {`"release": "web"`, `"release": "web", "release": "a"`, `f.json:4: release: this field is there twice`},
		"a field deep twice":     {`"send": true`, `"send": true, "send": true`, `f.json:28: changes[0].send: this field is there twice`},
		"another type":           {`"baseRevision": 3`, `"baseRevision": "3"`, `f.json:7: baseRevision: a string cannot stand here`},
		"a mapping":              {`"baseRevision": 3`, `"baseRevision": {"a": 1}`, `f.json:7: baseRevision: a mapping cannot stand here`},
		"a negative revision":    {`"baseRevision": 3`, `"baseRevision": -3`, `f.json:7: baseRevision: less than 0`},
		"no release name":        {`"release": "web"`, `"release": "a/b"`, `f.json:4: release: not a release name`},
		"no operation":           {`"operation": "upgrade"`, `"operation": "test"`, `f.json:6: operation: not one of the allowed values`},
		"no digest":              {zeroDigest, "sha256:0", `f.json:8: inputs: not a digest`},
		"unknown action":         {`"action": "create"`, `"action": "explode"`, `f.json:21: changes[0].action: not one of the allowed values`},
		"a wrong number":         {`"create": 2`, `"create": 1`, `f.json:10: summary: does not count the changes`},
		"two payloads":           {`"payload": {`, `"payload": {"secret": "a",`, `payload: needs either secret or openpgp`},
		"no message":             {messageStart, "hello", `payload.openpgp: not an armoured message`},
		"something after it":     {"\n}\n", "\n}\n{}", `something follows the document`},
		"refused without reason": {`"action": "create"`, `"action": "refused"`, `f.json: changes[0].problem: stands beside the action refused, and only there`},
		"cut short":              {good[len(good)/2:], "", "unexpected"},
		"no JSON":                {"{", "<", "f.json:1: invalid character '<' looking for beginning of value"},
		"too deep":               {`"old": 2`, `"old": ` + strings.Repeat("[", 300) + strings.Repeat("]", 300), "more than 200 levels"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, test.old) {
				t.Fatalf("nothing to replace in\n%s", good)
			}
			_, err := ParseFile("f.json", []byte(strings.Replace(good, test.old, test.new, 1)))
			var wrong *FileError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
	if _, err := ParseFile("f.json", make([]byte, maxFileBytes+1)); err == nil {
		t.Error("a file of any size is read")
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func FuzzParseFile(f *testing.F) {
	// A small one: the engine spends its time on making inputs smaller.
	small := Compute(readInput(f, archives(f)["testdata/small.txtar"]))
	data, err := indented(fileDocument{APIVersion, fileKind, NewFile(small, 1, zeroDigest, Payload{Secret: "a"})})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"apiVersion": "slipway.dev/v1", "changes": [{"fields": [{"old": {"a": [null]}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseFile("f.json", data)
		if err != nil {
			var wrong *FileError
			if !errors.As(err, &wrong) {
				t.Errorf("%T", err)
			}
			return
		}
		again, err := indented(fileDocument{APIVersion, fileKind, file})
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseFile("f.json", again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if diff := cmp.Diff(file.Changes, back.Changes, cmp.AllowUnexported(Change{}, FieldChange{})); diff != "" {
			t.Error(diff)
		}
	})
}
