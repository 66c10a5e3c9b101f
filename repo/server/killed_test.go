package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/e6d26078/slipway/repo"
)

// serveFolder is the environment variable that makes a server of the test binary.
const serveFolder = "SLIPWAY_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveFolder); dir != "" {
		if err := serveUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func serveUntilKilled(dir string) error {
	folder, err := OpenFolder(dir, time.Now)
	if err != nil {
		return err
	}
	s, err := New(context.Background(), folder, Options{Now: time.Now, AllowForce: true, Cache: folder.CachePath()})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return s.Serve(context.Background(), l, nil)
}

// spawn starts a server process.
func spawn(t *testing.T, dir string) (url string, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd
}

// post sends an upload to a server that may die. It gives 0 if it did.
func post(url string, body []byte, kind string) int {
	response, err := http.Post(url, kind, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// TestNothingIsLostOrHalfThereWhenTheServerIsKilled kills servers while charts
// are uploaded with their .prov files, new ones and others in place of old ones.
func TestNothingIsLostOrHalfThereWhenTheServerIsKilled(t *testing.T) {
	dir := t.TempDir()
	done := map[string]string{} // digests of what was answered with 201, by file
	for round := range 4 {
		url, cmd := spawn(t, dir)
		var mu sync.Mutex
		acknowledged := 0
		var group sync.WaitGroup
		for writer := range 3 {
			group.Go(func() {
				for n := 0; ; n++ {
					name, version := fmt.Sprintf("w%d", writer), fmt.Sprintf("%d.%d.0", round, n/2)
					if n%2 == 1 {
						name, version = "shared", fmt.Sprintf("%d.0.0", writer)
					}
					file := name + "-" + version + ".tgz"
					packed := archive(t, name, version, fmt.Sprintf("b: %d %d\n", round, n))
					body, kind := form(t, "chart", packed, "prov", sign(t, file, packed))
					status := post(url+"/api/charts?force", body, kind)
					if status == 0 {
						return
					}
					if status != http.StatusCreated {
						t.Errorf("%s: status %d", file, status)
						return
					}
					mu.Lock()
					done[file] = digestOf(packed)
					if name == "shared" {
						delete(done, file) // the next one may be there before it is answered
					}
					acknowledged++
					if acknowledged == 5+4*round {
						_ = cmd.Process.Kill()
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		_ = cmd.Wait()
		url, cmd = spawn(t, dir)
		x := index(t, url)
		checkFolder(t, dir, checkIndex(t, url, x, done))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// checkIndex holds that an index has what was acknowledged, and that everything
// in it is there with its .prov file. It gives the files.
func checkIndex(t *testing.T, url string, x *repo.Index, done map[string]string) map[string]bool {
	t.Helper()
	inIndex := map[string]bool{}
	for _, versions := range x.Entries {
		for _, v := range versions {
			file := v.Name + "-" + v.Version + ".tgz"
			inIndex[file] = true
			stored := want(t, 200, "GET", url+"/charts/"+file, nil).body
			if digestOf([]byte(stored)) != v.Digest {
				t.Errorf("%s is not what the index says", file)
			}
			prov := want(t, 200, "GET", url+"/charts/"+file+".prov", nil).body
			if err := checkProv(file, []byte(stored), []byte(prov)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if digest := done[file]; digest != "" && digest != v.Digest {
				t.Errorf("%s is not what was acknowledged", file)
			}
		}
	}
	for file := range done {
		if !inIndex[file] {
			t.Errorf("%s is lost", file)
		}
	}
	return inIndex
}

// checkFolder holds that a folder has what is in the index, each with its .prov file, and nothing else.
func checkFolder(t *testing.T, dir string, inIndex map[string]bool) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || d.IsDir() || name == "lock" || name == "known" {
			return err
		}
		if count++; !inIndex[strings.TrimSuffix(name, ".prov")] {
			t.Errorf("%s is left", path)
		}
		return nil
	})
	if err != nil || count != 2*len(inIndex) {
		t.Errorf("%d files, want %d: %v", count, 2*len(inIndex), err)
	}
}

// TestACommitIsDoneFromItsJournalOn stops commits before and after the journal
// has its name, as a kill would.
func TestACommitIsDoneFromItsJournalOn(t *testing.T) {
	for applied := -1; applied <= 2; applied++ { // -1: without the journal
		dir := t.TempDir()
		f, err := OpenFolder(dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Commit(t.Context(), Write{Key: "a/old", Data: []byte("old")}, Write{Key: "a/new", Data: []byte("old")}); err != nil {
			t.Fatal(err)
		}
		steps, err := f.stage([]Write{{Key: "a/old", Delete: true}, {Key: "a/new", Data: []byte("new")}})
		if err != nil {
			t.Fatal(err)
		}
		if applied >= 0 {
			if _, err := f.writeJournal(steps); err != nil {
				t.Fatal(err)
			}
			for _, s := range steps[:applied] {
				if err := f.apply(s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if f, err = OpenFolder(dir, time.Now); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "a", "new"))
		_, missing := os.Stat(filepath.Join(dir, "a", "old"))
		if wanted := map[bool]string{true: "old", false: "new"}[applied < 0]; err != nil || string(text) != wanted {
			t.Errorf("after %d steps: %q, %v", applied, text, err)
		}
		if errors.Is(missing, fs.ErrNotExist) != (applied >= 0) {
			t.Errorf("after %d steps: %v", applied, missing)
		}
		for _, part := range []string{"tmp", "journal"} {
			if left, err := f.names(private + "/" + part); err != nil || len(left) > 0 {
				t.Errorf("after %d steps, %v is left: %v", applied, left, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneProcessServesAFolder(t *testing.T) {
	if !canSyncFolders {
		t.Skip("no locks here")
	}
	dir := t.TempDir()
	spawn(t, dir)
	if f, err := OpenFolder(dir, time.Now); err == nil {
		f.Close()
		t.Error("two processes have the folder open")
	}
}
