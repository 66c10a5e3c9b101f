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

// The environment variables that make a server of the test binary: of a folder,
// or of a bucket, by the endpoint and the prefix.
const (
	serveFolder = "SLIPWAY_TEST_SERVE"
	serveBucket = "SLIPWAY_TEST_SERVE_S3"
)

func TestMain(m *testing.M) {
	if dir, bucket := os.Getenv(serveFolder), os.Getenv(serveBucket); dir != "" || bucket != "" {
		if err := serveUntilKilled(dir, bucket); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func serveUntilKilled(dir, bucket string) error {
	ctx, o := context.Background(), Options{Now: time.Now, AllowForce: true}
	var storage Storage
	if endpoint, prefix, is := strings.Cut(bucket, " "); is {
		b, err := OpenS3(ctx, testBucket(endpoint, prefix))
		if err != nil {
			return err
		}
		storage = b
	} else {
		folder, err := OpenFolder(dir, time.Now)
		if err != nil {
			return err
		}
		o.Cache = folder.CachePath()
		storage = folder
	}
	s, err := New(ctx, storage, o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return s.Serve(ctx, l, nil)
}

// spawn starts a server process of a folder.
func spawn(t *testing.T, dir string) (url string, cmd *exec.Cmd) {
	t.Helper()
	return spawnWith(t, serveFolder+"="+dir)
}

func spawnWith(t *testing.T, variable string) (url string, cmd *exec.Cmd) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable)
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

// TestNothingIsLostOrHalfThereWhenTheServerIsKilled kills servers of a folder.
func TestNothingIsLostOrHalfThereWhenTheServerIsKilled(t *testing.T) {
	t.Parallel()
	for range sweep(1, 10) {
		dir := t.TempDir()
		done := map[string]string{}
		for round := range sweep(3, 10) {
			url, cmd := spawn(t, dir)
			uploadUntilKilled(t, round, done, []string{url}, cmd)
			url, cmd = spawn(t, dir)
			checkFolder(t, dir, checkIndex(t, url, index(t, url), done))
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
}

// TestNothingIsLostOrHalfThereWhenReplicasAreKilled kills one of two replicas,
// then the other.
func TestNothingIsLostOrHalfThereWhenReplicasAreKilled(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	for life := range sweep(1, 10) {
		o.Prefix = fmt.Sprintf("life%d", life)
		done := map[string]string{}
		for round := range sweep(3, 10) {
			variable := serveBucket + "=" + o.Endpoint + " " + o.Prefix
			first, killed := spawnWith(t, variable)
			second, other := spawnWith(t, variable)
			uploadUntilKilled(t, round, done, []string{first, second}, killed, other)
			b, err := OpenS3(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			b.patience = patience{} // nobody else is at work
			h, s := serveStorage(t, b, Options{})
			if err := s.changes.(*shared).scan(t.Context()); err != nil { // the first one tidied before it settled
				t.Fatal(err)
			}
			checkIndex(t, h.URL, index(t, h.URL), done)
			checkBucket(t, h.URL, o)
			h.Close()
		}
	}
}

// remove sends a deletion to a server that may die. It gives 0 if it did.
func remove(url string) int {
	request, err := http.NewRequest(http.MethodDelete, url, nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// uploadUntilKilled uploads charts with their .prov files and without, new ones and
// others in place of old ones, and deletes some, until all processes are killed, one after
// the other. done has the digests of what was answered with 201, by file, or "" if it was deleted.
func uploadUntilKilled(t *testing.T, round int, done map[string]string, urls []string, victims ...*exec.Cmd) {
	t.Helper()
	var mu sync.Mutex
	acknowledged := 0
	var group sync.WaitGroup
	for writer := range 4 {
		group.Go(func() {
			url := urls[writer%len(urls)]
			for n := 0; ; n++ {
				name, version := fmt.Sprintf("w%d", writer), fmt.Sprintf("%d.%d.0", round, n/2)
				if n%2 == 1 {
					name, version = "shared", fmt.Sprintf("%d.0.0", writer)
				}
				file := name + "-" + version + ".tgz"
				packed := archive(t, name, version, fmt.Sprintf("b: %d %d\n", round, n))
				body, kind := packed, "application/gzip"
				if n%4 < 2 {
					body, kind = form(t, "chart", packed, "prov", sign(t, file, packed))
				}
				mu.Lock()
				if name == "shared" {
					delete(done, file) // another one may be there before it is answered
				}
				mu.Unlock()
				digest := digestOf(packed)
				status := post(url+"/api/charts?force", body, kind)
				if status == http.StatusCreated && n%8 == 5 {
					digest, status = "", remove(url+"/api/charts/"+name+"/"+version)
				}
				if status == 0 {
					return
				}
				if status >= http.StatusMultipleChoices {
					t.Errorf("%s: status %d", file, status)
					return
				}
				mu.Lock()
				done[file] = digest
				if acknowledged++; acknowledged >= 5+round%4*4 && len(victims) > 0 {
					_ = victims[0].Process.Kill()
					_ = victims[0].Wait()
					victims, acknowledged = victims[1:], 0
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
}

// checkIndex holds that an index has what was acknowledged, and that everything
// in it is there as it says, with a .prov file that is about it if there is one.
// It gives the files, with whether they have one.
func checkIndex(t *testing.T, url string, x *repo.Index, done map[string]string) map[string]bool {
	t.Helper()
	inIndex := map[string]bool{}
	for _, versions := range x.Entries {
		for _, v := range versions {
			file := v.Name + "-" + v.Version + ".tgz"
			stored := want(t, 200, "GET", url+"/charts/"+file, nil).body
			if digestOf([]byte(stored)) != v.Digest {
				t.Errorf("%s is not what the index says", file)
			}
			prov := do(t, "GET", url+"/charts/"+file+".prov", nil)
			inIndex[file] = prov.status == http.StatusOK
			if err := checkProv(file, []byte(stored), []byte(prov.body)); inIndex[file] && err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if digest := done[file]; digest != "" && digest != v.Digest {
				t.Errorf("%s is not what was acknowledged", file)
			}
		}
	}
	for file, digest := range done {
		if _, there := inIndex[file]; there != (digest != "") {
			t.Errorf("%s is lost, or came back", file)
		}
	}
	return inIndex
}

// checkFolder holds that a folder has what is in the index, with the .prov files that it has, and nothing else.
func checkFolder(t *testing.T, dir string, inIndex map[string]bool) {
	t.Helper()
	count := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || d.IsDir() || name == "lock" || name == "known" {
			return err
		}
		archive, isProv := strings.CutSuffix(name, ".prov")
		if signed, there := inIndex[archive]; !there || isProv && !signed {
			t.Errorf("%s is left", path)
		}
		count++
		return nil
	})
	wanted := len(inIndex)
	for _, signed := range inIndex {
		if signed {
			wanted++
		}
	}
	if err != nil || count != wanted {
		t.Errorf("%d files, want %d: %v", count, wanted, err)
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
