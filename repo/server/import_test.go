package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// museum makes a folder as ChartMuseum has it, with repositories two names deep.
func museum(t testing.TB, charts int) (dir string, provs int) {
	t.Helper()
	dir = t.TempDir()
	for i := range charts {
		name, version := fmt.Sprintf("chart-%d", i%7), fmt.Sprintf("1.%d.0", i)
		file := filepath.Join("org", fmt.Sprintf("repo%d", i%3), name+"-"+version+".tgz")
		packed := archive(t, name, version)
		put(t, dir, file, packed)
		if i%2 == 0 {
			put(t, dir, file+".prov", sign(t, filepath.Base(file), packed))
			provs++
		}
		when := time.Date(2024, 1, 1, 0, 0, i, 123456789, time.UTC)
		if err := os.Chtimes(filepath.Join(dir, file), when, when); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, "org/repo0/index-cache.yaml", []byte("apiVersion: v1\n"))
	return dir, provs
}

func put(t testing.TB, dir, file string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// importAll runs an import of depth 2 between two folders.
func importAll(ctx context.Context, from, to string) (*ImportReport, error) {
	source, err := OpenImportFolder(from)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	folder, err := OpenFolder(to, time.Now)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return Import(ctx, source, folder, ImportOptions{Now: time.Now, Depth: 2})
}

// tree reads the files of a folder that are not hidden.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == private || d.Name() == "index-cache.yaml":
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAnImportKeepsBytesTimesAndSignatures(t *testing.T) {
	from, provs := museum(t, 20)
	put(t, from, "org/repo0/"+hubFile, []byte("repositoryID: x\n"))
	to := t.TempDir()
	for range 2 { // the second one finds all there
		report, err := importAll(t.Context(), from, to)
		if err != nil || report.Imported+report.Present != 20 || report.Signed != provs || len(report.LeftOut) > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	theirs, ours := tree(t, from), tree(t, to)
	for file, data := range theirs {
		if ours[file] != data {
			t.Errorf("%s is another one", file)
		}
	}
	if len(ours) != len(theirs) {
		t.Errorf("%d files, want %d", len(ours), len(theirs))
	}
	url, _ := start(t, to, Options{Depth: 2})
	for _, versions := range index(t, url+"/org/repo1").Entries {
		for _, v := range versions {
			file := filepath.Join("org", "repo1", v.Name+"-"+v.Version+".tgz")
			info, err := os.Stat(filepath.Join(from, file))
			if err != nil {
				t.Fatal(err)
			}
			if v.Digest != digestOf([]byte(theirs[file])) || !v.Created.Equal(info.ModTime()) {
				t.Errorf("%s: digest %s, created %s, want %s", file, v.Digest, v.Created, info.ModTime())
			}
		}
	}
}

func TestAnImportLeavesOutWhatIsNotRightAndSaysSo(t *testing.T) {
	from, _ := museum(t, 2)
	web, other := archive(t, "web", "1.0.0"), archive(t, "web", "1.0.0", "b: 1\n")
	odd := archiveWith(t, "odd", "apiVersion: v2\nname: odd\nversion: 1.0.0\nannotations: {\"<<\": x}\n")
	to := t.TempDir()
	put(t, to, "org/repo0/web-1.0.0.tgz", other)
	put(t, to, "org/repo1/web-1.0.0.tgz", web)
	for file, data := range map[string][]byte{
		"org/repo0/web-1.0.0.tgz":        web,                              // another one is there
		"org/repo0/cut-1.0.0.tgz":        web[:len(web)/2],                 // damaged
		"org/repo0/api-1.0.0.tgz":        web,                              // another name
		"org/repo0/gone-1.0.0.tgz.prov":  []byte("x"),                      // no archive
		"org/repo0/notes.txt":            []byte("x"),                      // no chart
		"org/repo0/odd-1.0.0.tgz":        odd,                              // makes an index unreadable
		"org/repo0/Pröv-1.0.0.tgz":       web,                              // a name that is not served
		"web-1.0.0.tgz":                  web,                              // at the top
		"org/repo2/web-1.0.0.tgz":        web,                              // is right, but
		"org/repo2/web-1.0.0.tgz.prov":   sign(t, "web-1.0.0.tgz", other),  // not this
		"org/repo1/web-1.0.0.tgz":        web,                              // is there, but
		"org/repo1/web-1.0.0.tgz.prov":   sign(t, "web-1.0.0.tgz", web),    // without this
		"ORG/repo0/upper-1.0.0.tgz":      archive(t, "upper", "1.0.0"),     // differs in case
		"org/repo0/large-1.0.0.tgz":      make([]byte, DefaultMaxUpload+1), // too large
		".hidden/repo0/hidden-1.0.0.tgz": archive(t, "hidden", "1.0.0"),    // not looked at
	} {
		put(t, from, file, data)
	}
	reasons := map[string]string{
		"org/repo0/web-1.0.0.tgz": "another archive by this name", "org/repo0/cut-1.0.0.tgz": "EOF",
		"org/repo0/api-1.0.0.tgz": "would have to be web-1.0.0.tgz", "org/repo0/gone-1.0.0.tgz.prov": "its archive is not there",
		"org/repo0/notes.txt": "no packaged chart", "org/repo0/Pröv-1.0.0.tgz": "a name has to be", "web-1.0.0.tgz": "--depth",
		"org/repo2/web-1.0.0.tgz.prov": ".prov file", "org/repo0/large-1.0.0.tgz": "larger than",
		"org/repo0/odd-1.0.0.tgz": "cannot be read in an index",
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(filepath.Join(from, "org/repo1/web-1.0.0.tgz.prov"), 0); err != nil {
			t.Fatal(err)
		}
	}
	report, err := importAll(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	caseFold := 0 // which of the two repositories is first does not matter
	for _, l := range report.LeftOut {
		if strings.Contains(l.Reason, "in case alone") {
			caseFold++
			continue
		}
		if want, known := reasons[l.File]; !known || !strings.Contains(l.Reason, want) {
			t.Errorf("%s: %s", l.File, l.Reason)
		}
		delete(reasons, l.File)
	}
	if len(reasons) > 0 || caseFold == 0 {
		t.Errorf("not left out: %v; by case: %d", reasons, caseFold)
	}
	ours := tree(t, to)
	if ours["org/repo0/odd-1.0.0.tgz"] != "" {
		t.Error("what was left out is in the target")
	}
	if ours["org/repo0/web-1.0.0.tgz"] != string(other) {
		t.Error("an archive of the target was replaced")
	}
	if ours["org/repo2/web-1.0.0.tgz"] != string(web) || ours["org/repo2/web-1.0.0.tgz.prov"] != "" {
		t.Error("an archive does not come without the .prov file of another")
	}
	if ours["org/repo1/web-1.0.0.tgz.prov"] == "" && os.Geteuid() == 0 {
		t.Error("the .prov file of an archive that was there is not imported")
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	from, provs := museum(t, 6)
	to := t.TempDir()
	source, err := OpenImportFolder(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	o := ImportOptions{Now: time.Now, Depth: 2, DryRun: true}
	report, err := Import(t.Context(), source, nil, o)
	if err != nil || report.Imported != 6 || report.Signed != provs {
		t.Errorf("without a target: %+v, %v", report, err)
	}
	theirs := tree(t, from)
	for file := range theirs {
		if strings.HasPrefix(file, "org/repo0/") {
			put(t, to, file, []byte(theirs[file]))
		}
	}
	target, err := OpenImportFolder(to)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	before := tree(t, to)
	report, err = Import(t.Context(), source, target, o)
	if err != nil || report.Imported != 4 || report.Present != 2 {
		t.Errorf("%+v, %v", report, err)
	}
	if after := tree(t, to); len(after) != len(before) {
		t.Errorf("%d files, were %d", len(after), len(before))
	}
	if _, err := os.Stat(filepath.Join(to, private)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dry run has made a folder: %v", err)
	}
}

// importFolders is the environment variable that makes an import of the test binary.
const importFolders = "SLIPWAY_TEST_IMPORT"

// TestAnImportInAProcessOfItsOwn is what the next test kills.
func TestAnImportInAProcessOfItsOwn(t *testing.T) {
	from, to, ok := strings.Cut(os.Getenv(importFolders), "\n")
	if !ok {
		t.Skip("another test runs it")
	}
	if _, err := importAll(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
}

func TestAnImportThatIsKilledGoesOn(t *testing.T) {
	from, provs := museum(t, 60)
	theirs := tree(t, from)
	to := t.TempDir()
	for _, enough := range []int{3, 25, 60} { // files, after which it is killed
		cmd := exec.Command(os.Args[0], "-test.run", "^TestAnImportInAProcessOfItsOwn$")
		cmd.Env = append(os.Environ(), importFolders+"="+from+"\n"+to)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
	watch:
		for {
			select {
			case <-ended: // it was faster
				break watch
			default:
				if len(tree(t, to)) >= enough {
					_ = cmd.Process.Kill()
					<-ended
					break watch
				}
			}
		}
		// Whoever opens the folder next completes what was decided on.
		folder, err := OpenFolder(to, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
		for file, data := range tree(t, to) {
			if theirs[file] != data {
				t.Errorf("%s is not the one of the source", file)
			}
			if prov := file + ".prov"; strings.HasSuffix(file, ".tgz") && theirs[prov] != tree(t, to)[prov] {
				t.Errorf("%s is there without its .prov file", file)
			}
		}
	}
	report, err := importAll(t.Context(), from, to)
	if err != nil || report.Imported+report.Present != 60 || report.Signed != provs || len(report.LeftOut) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	if ours := tree(t, to); len(ours) != len(theirs) {
		t.Errorf("%d files, want %d", len(ours), len(theirs))
	}
}

func TestAnImportEndsWithItsContext(t *testing.T) {
	from, _ := museum(t, 5)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := importAll(ctx, from, t.TempDir()); !errors.Is(err, stopped) {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(from, "*")); !slices.Equal(left, []string{filepath.Join(from, "org")}) || bytes.Contains([]byte(left[0]), []byte(private)) {
		t.Errorf("the source is changed: %v", left)
	}
}
