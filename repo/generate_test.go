package repo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
)

var stamps = regexp.MustCompile(`("?(?:created|generated)"?: )"[^"]*"`)

// peer finds a Helm binary; `make peers` builds it.
func peer(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("SLIPWAY_PEERS"), name)
	if _, err := os.Stat(path); os.Getenv("SLIPWAY_PEERS") == "" || err != nil {
		t.Skip("no Helm binaries: run make peers and set SLIPWAY_PEERS")
	}
	return path
}

// packaged puts archives of the project's charts into a folder, some below it.
func packaged(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	folders, err := filepath.Glob("../testdata/charts/*/Chart.yaml")
	if err != nil || len(folders) == 0 {
		t.Fatal("no charts", err)
	}
	for i, name := range folders {
		c, err := chart.Load(filepath.Dir(name))
		if err != nil {
			t.Fatal(err)
		}
		to := dir
		if i%3 == 0 {
			to = filepath.Join(dir, "sub folder")
		}
		for _, version := range []string{"1.0.0", "1.2.0", "1.10.0-rc.1"} {
			c.Metadata.Version = version
			if _, err := chart.SaveFile(c, to, chart.SaveOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, filepath.Join(dir, "not-a-chart.tgz"), []byte("nothing"))
	return dir
}

func TestAGeneratedIndexIsThatOfHelm(t *testing.T) {
	helm := peer(t, "helm3")
	dirs := []string{packaged(t)}
	if corpus := os.Getenv("SLIPWAY_CORPUS"); corpus != "" {
		dirs = append(dirs, copyOf(t, corpus))
	}
	for _, dir := range dirs {
		for _, url := range []string{"", "https://charts.example.com/base/?q=1"} {
			want := map[bool]string{}
			for _, asJSON := range []bool{false, true} {
				args := []string{"repo", "index", dir, "--url", url}
				if asJSON {
					args = append(args, "--json")
				}
				if out, err := exec.Command(helm, args...).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				want[asJSON] = readIndex(t, dir)
			}
			for _, round := range []string{"first", "known"} {
				x, err := Generate(dir, GenerateOptions{URL: url, Now: time.Now().Add(time.Hour)})
				if err != nil {
					t.Fatal(err)
				}
				x.Sort()
				for asJSON, text := range want {
					if err := x.WriteFile(filepath.Join(dir, "index.yaml"), asJSON); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(text, readIndex(t, dir)); diff != "" {
						t.Fatalf("%s %s (- helm, + slipway)\n%s", url, round, diff)
					}
				}
			}
		}
	}
}

func readIndex(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "index.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return stamps.ReplaceAllString(string(data), `$1"TIME"`)
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, filepath.Base(name)), data)
	}
	return to
}

func TestAChangedArchiveIsReadAgain(t *testing.T) {
	dir := packaged(t)
	later := time.Now().Add(time.Hour)
	first, err := Generate(dir, GenerateOptions{Now: later})
	if err != nil {
		t.Fatal(err)
	}
	list := first.Entries["hooks"]
	if len(list) == 0 {
		t.Fatal("no chart hooks")
	}
	name := filepath.Join(dir, list[0].URLs[0])
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, append(data, 0))
	second, err := Generate(dir, GenerateOptions{Now: later})
	if err != nil {
		t.Fatal(err)
	}
	if second.Entries["hooks"][0].Digest == list[0].Digest {
		t.Error("the digest is that of the old file")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	third, err := Generate(dir, GenerateOptions{Now: later})
	if err != nil || len(third.Entries["hooks"]) != len(list)-1 {
		t.Errorf("a deleted archive is still there: %v", err)
	}
}
