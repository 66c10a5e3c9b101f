package server

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/e6d26078/slipway/repo"
)

// sweep is how much tests do that could go on for long: all if SLIPWAY_SWEEP wants that, else a few.
func sweep(few, all int) int {
	if os.Getenv("SLIPWAY_SWEEP") == "all" {
		return all
	}
	return few
}

// TestNoReplicaIsStale uploads to all replicas at once. Whatever one has answered
// with 201 has to be in every answer of the others to requests that are sent after it.
func TestNoReplicaIsStale(t *testing.T) {
	t.Parallel()
	for _, replicas := range []int{2, 4} {
		t.Run(fmt.Sprint(replicas), func(t *testing.T) {
			o := startS3(t)
			var urls []string
			for range replicas {
				url, _ := replica(t, o, Options{AllowForce: true})
				urls = append(urls, url)
			}
			expected := uploadEverywhere(t, urls, sweep(12, 60))
			for _, url := range urls {
				if got := checkBucket(t, url, o); fmt.Sprint(got) != fmt.Sprint(expected) {
					t.Errorf("the index has %d versions, want %d", len(got), len(expected))
				}
			}
		})
	}
}

// uploadEverywhere lets two writers a replica upload, replace and delete charts,
// and reads after each change from another replica. It gives the digests that are left.
func uploadEverywhere(t *testing.T, urls []string, each int) map[string]string {
	var mu sync.Mutex
	expected := map[string]string{}
	var group sync.WaitGroup
	for writer := range 2 * len(urls) {
		group.Go(func() {
			for n := range each {
				to, from := urls[writer%len(urls)], urls[(writer+1+n%(len(urls)-1))%len(urls)]
				name := fmt.Sprintf("w%d", writer)
				version := fmt.Sprintf("%d.0.0", n-n%4)
				file := name + "-" + version + ".tgz"
				if n%4 == 3 && n%8 == 7 {
					want(t, 200, "DELETE", to+"/api/charts/"+name+"/"+version, nil)
					checkSeen(t, from, name, version, "")
					mu.Lock()
					delete(expected, file)
					mu.Unlock()
					continue
				}
				packed := archive(t, name, version, fmt.Sprintf("n: %d\n", n))
				body, kind := packed, "application/gzip"
				if n%4 == 2 {
					body, kind = form(t, "chart", packed, "prov", sign(t, file, packed))
				}
				want(t, 201, "POST", to+"/api/charts?force", body, "Content-Type", kind)
				checkSeen(t, from, name, version, digestOf(packed))
				mu.Lock()
				expected[file] = digestOf(packed)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return expected
}

// checkSeen holds that an index has a version with a digest, or none.
func checkSeen(t *testing.T, url, name, version, digest string) {
	t.Helper()
	x, err := repo.ParseIndex([]byte(do(t, "GET", url+"/index.yaml", nil).body))
	if err != nil {
		t.Errorf("the index of %s: %v", url, err)
		return
	}
	got := ""
	for _, v := range x.Entries[name] {
		if v.Version == version {
			got = v.Digest
		}
	}
	if got != digest {
		t.Errorf("a stale read: %s has %s %s with the digest %q, want %q", url, name, version, got, digest)
	}
	if stored := do(t, "GET", url+"/charts/"+name+"-"+version+".tgz", nil); digest != "" && digestOf([]byte(stored.body)) != digest {
		t.Errorf("%s serves another archive of %s %s, status %d", url, name, version, stored.status)
	}
}

// TestOneOfManyUploadsIsTaken sends a version eight times at once: the same
// bytes, others, with a .prov file and without.
func TestOneOfManyUploadsIsTaken(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	var urls []string
	for range 4 {
		url, _ := replica(t, o, Options{})
		urls = append(urls, url)
	}
	for kind := range 4 * sweep(2, 20) {
		version := fmt.Sprintf("1.0.%d", kind)
		var created atomic.Int32
		var group sync.WaitGroup
		begin := make(chan struct{})
		for n := range 8 {
			contents := ""
			if kind%2 == 1 {
				contents = fmt.Sprintf("n: %d\n", n)
			}
			body, contentType := archive(t, "web", version, contents), "application/gzip"
			if kind%4 >= 2 && n%2 == 0 {
				body, contentType = form(t, "chart", body, "prov", sign(t, "web-"+version+".tgz", body))
			}
			group.Go(func() {
				<-begin
				switch status := post(urls[n%4]+"/api/charts", body, contentType); status {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusConflict, http.StatusServiceUnavailable:
				default:
					t.Errorf("status %d", status)
				}
			})
		}
		close(begin)
		group.Wait()
		if n := created.Load(); n != 1 {
			t.Errorf("round %d: %d uploads were answered with 201, want 1", kind, n)
		}
	}
	first := checkBucket(t, urls[0], o)
	if len(first) != 4*sweep(2, 20) {
		t.Errorf("%d versions in the index", len(first))
	}
}

// TestWhatOthersPutIntoABucketIsFound changes a bucket without a server.
func TestWhatOthersPutIntoABucketIsFound(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	b, err := newS3(o)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string, data []byte) {
		t.Helper()
		if _, err := b.put(t.Context(), key, data, ""); err != nil {
			t.Fatal(err)
		}
	}
	web := archive(t, "web", "1.0.0")
	put("web-1.0.0.tgz", web)
	put("web-1.0.0.tgz.prov", sign(t, "web-1.0.0.tgz", web))
	put("db-1.0.0.tgz", archive(t, "db", "1.0.0"))
	put("broken-1.0.0.tgz", []byte("no chart"))
	bucket, err := OpenS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h, s := serveStorage(t, bucket, Options{})
	url := h.URL
	scan := func(versions ...string) {
		t.Helper()
		if err := s.changes.(*shared).scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, list := range index(t, url).Entries {
			for _, v := range list {
				got = append(got, name+"-"+v.Version)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, versions) {
			t.Errorf("the index has %v, want %v", got, versions)
		}
	}
	scan("db-1.0.0", "web-1.0.0")
	want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)

	// Who repeats an interrupted upload gets its 201, once.
	want(t, 409, "POST", url+"/api/charts", archive(t, "db", "1.0.0", "other"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "db", "1.0.0"))
	want(t, 409, "POST", url+"/api/charts", archive(t, "db", "1.0.0"))
	// So does who comes before the scan.
	put("new-1.0.0.tgz", archive(t, "new", "1.0.0"))
	want(t, 409, "POST", url+"/api/charts", archive(t, "new", "1.0.0", "other"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "new", "1.0.0"))
	scan("db-1.0.0", "new-1.0.0", "web-1.0.0")

	// What is replaced or deleted behind the server's back is not served as what it was.
	put("web-1.0.0.tgz", archive(t, "web", "1.0.0", "b: 2\n"))
	if a := do(t, "GET", url+"/charts/web-1.0.0.tgz", nil); a.status != 503 {
		checkSeen(t, url, "web", "1.0.0", digestOf([]byte(a.body))) // a scan was that fast
	}
	put("db-1.0.0.tgz", archive(t, "db", "1.0.0")[:100])
	if a := do(t, "GET", url+"/charts/db-1.0.0.tgz", nil); a.status != 503 && a.status != 404 {
		t.Errorf("half an archive is served, status %d", a.status)
	}
	if err := b.delete(t.Context(), "db-1.0.0.tgz"); err != nil {
		t.Fatal(err)
	}
	scan("new-1.0.0", "web-1.0.0")
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil) // it is of the archive that was there
	if a := want(t, 200, "GET", url+"/charts/web-1.0.0.tgz", nil); a.body != string(archive(t, "web", "1.0.0", "b: 2\n")) {
		t.Error("another archive is served than is in the bucket")
	}
	// A deletion is not undone by the scan that comes after it.
	want(t, 200, "DELETE", url+"/api/charts/new/1.0.0", nil)
	put("new-1.0.0.tgz", archive(t, "new", "1.0.0")) // as a write that comes late
	scan("web-1.0.0")
}

// TestABucketThatIsAwayIsNotServedFromMemory stops the way to the bucket.
func TestABucketThatIsAwayIsNotServedFromMemory(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	gate := newGate(t, o.Endpoint)
	o.Endpoint = gate.url
	url, _ := replica(t, o, Options{})
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.0.0"))
	want(t, 200, "GET", url+"/health", nil)
	gate.close(true)
	for _, path := range []string{"/index.yaml", "/charts/web-1.0.0.tgz", "/api/charts", "/api/charts/web/1.0.0", "/", "/charts/web", "/health"} {
		a := want(t, 503, "GET", url+path, nil)
		if strings.Contains(a.body, gate.url) {
			t.Errorf("%s tells clients where the bucket is", path)
		}
	}
	want(t, 503, "POST", url+"/api/charts", archive(t, "web", "2.0.0"))
	want(t, 503, "DELETE", url+"/api/charts/web/1.0.0", nil)
	want(t, 200, "GET", url+"/info", nil)
	gate.close(false)
	want(t, 200, "GET", url+"/health", nil)
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "2.0.0"))
	want(t, 200, "DELETE", url+"/api/charts/web/1.0.0", nil)
	if got := checkBucket(t, url, o); len(got) != 1 {
		t.Errorf("the index has %v", got)
	}
}

// TestAnswersThatAreLost lets writes reach the bucket and loses their answers.
func TestAnswersThatAreLost(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	gate := newGate(t, o.Endpoint)
	direct, _ := replica(t, o, Options{})
	o.Endpoint = gate.url
	url, _ := replica(t, o, Options{})
	for n := range 6 {
		name := fmt.Sprintf("c%d", n)
		packed := archive(t, name, "1.0.0")
		body, kind := packed, "application/gzip"
		if n%2 == 1 || n == 4 {
			body, kind = form(t, "chart", packed, "prov", sign(t, name+"-1.0.0.tgz", packed))
		}
		gate.loseAnswer([]string{"@state", ".tgz", "@staged"}[n/2])
		status := post(url+"/api/charts", body, kind)
		if status == http.StatusServiceUnavailable {
			status = post(url+"/api/charts", body, kind)
		}
		if status != http.StatusCreated {
			t.Errorf("%s: status %d", name, status)
		}
		if !gate.lost() {
			t.Errorf("%s: no answer was lost", name)
		}
		checkSeen(t, direct, name, "1.0.0", digestOf(packed))
	}
	checkSeen(t, url, "c0", "1.0.0", digestOf(archive(t, "c0", "1.0.0")))
}

// TestAQuotaHoldsForAllReplicasTogether sends more charts at once than there is room for.
func TestAQuotaHoldsForAllReplicasTogether(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	var urls []string
	for range 2 {
		url, _ := replica(t, o, Options{Quota: Quota{Objects: 3}})
		urls = append(urls, url)
	}
	var created atomic.Int32
	var group sync.WaitGroup
	for n := range 8 {
		packed := archive(t, fmt.Sprintf("c%d", n), "1.0.0")
		group.Go(func() {
			switch status := post(urls[n%2]+"/api/charts", packed, "application/gzip"); status {
			case http.StatusCreated:
				created.Add(1)
			case http.StatusInsufficientStorage:
			default:
				t.Errorf("status %d", status)
			}
		})
	}
	group.Wait()
	if n := created.Load(); n != 3 {
		t.Errorf("%d uploads were answered with 201, want 3", n)
	}
	if got := checkBucket(t, urls[0], o); len(got) != 3 {
		t.Errorf("the index has %d versions, want 3", len(got))
	}
	for name := range index(t, urls[1]).Entries {
		want(t, 200, "DELETE", urls[1]+"/api/charts/"+name+"/1.0.0", nil)
		break
	}
	want(t, 201, "POST", urls[0]+"/api/charts", archive(t, "another", "1.0.0"))
}

// TestWhatIsNotSignedInABucketStaysOut has one replica that requires signatures,
// and one that does not.
func TestWhatIsNotSignedInABucketStaysOut(t *testing.T) {
	t.Parallel()
	keyring, signed := trustedKey(t)
	o := startS3(t)
	lax, _ := replica(t, o, Options{})
	strict, _ := replica(t, o, Options{Signatures: Signatures{Keyring: keyring, Required: true}})
	good, bad := archive(t, "good", "1.0.0"), archive(t, "bad", "1.0.0")
	for file, packed := range map[string][]byte{"good-1.0.0.tgz": good, "bad-1.0.0.tgz": bad} {
		prov := signed(file, packed)
		if file == "bad-1.0.0.tgz" {
			prov = sign(t, file, packed)
		}
		body, kind := form(t, "chart", packed, "prov", prov)
		want(t, 201, "POST", lax+"/api/charts", body, "Content-Type", kind)
	}
	body, kind := form(t, "chart", archive(t, "good", "2.0.0"), "prov", signed("good-2.0.0.tgz", archive(t, "good", "2.0.0")))
	want(t, 201, "POST", strict+"/api/charts", body, "Content-Type", kind)
	b, err := OpenS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := serveStorage(t, b, Options{Signatures: Signatures{Keyring: keyring, Required: true}}) // which verifies at its start
	for _, url := range []string{strict, h.URL} {
		x := index(t, url)
		if len(x.Entries["good"]) != 2 || len(x.Entries["bad"]) != 0 {
			t.Errorf("the index has %d versions of good and %d of bad, want 2 and 0", len(x.Entries["good"]), len(x.Entries["bad"]))
		}
		want(t, 404, "GET", url+"/charts/bad-1.0.0.tgz", nil)
	}
	if len(index(t, lax).Entries) != 2 {
		t.Error("a replica that requires no signatures has lost a chart")
	}
}
