package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/e6d26078/slipway/repo/internal/servertest"
)

// The keys of the S3 servers of tests.
const (
	s3Access = "tester"
	s3Secret = "not-secret"
)

// startS3 runs the real S3 server of testdata/s3 for the time of a test, and gives
// a bucket of it. Without the program the test is skipped: `make s3` builds it,
// and SLIPWAY_S3 says where it is.
func startS3(t testing.TB) S3Options {
	t.Helper()
	program := findS3(t)
	for try := 1; ; try++ {
		endpoint, err := runS3(t, program)
		if err == nil {
			o := testBucket(endpoint, "team/a")
			b, err := newS3(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.core.MakeBucket(t.Context(), o.Bucket, minio.MakeBucketOptions{}); err != nil {
				t.Fatal(err)
			}
			return o
		}
		if try == 3 { // somebody else may have taken the port
			t.Fatal(err)
		}
	}
}

func testBucket(endpoint, prefix string) S3Options {
	return S3Options{Endpoint: endpoint, Bucket: "charts", Prefix: prefix, PathStyle: true, AccessKey: s3Access, SecretKey: s3Secret, ScanInterval: -1}
}

func findS3(t testing.TB) string {
	t.Helper()
	if program := os.Getenv("SLIPWAY_S3"); program != "" {
		return program
	}
	program, err := filepath.Abs("../../.cache/s3")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Skip("no S3 server: run make s3")
	}
	return program
}

func runS3(t testing.TB, program string) (string, error) {
	t.Helper()
	address, err := servertest.FreeAddress()
	if err != nil {
		return "", err
	}
	environment := []string{"ROOT_ACCESS_KEY=" + s3Access, "ROOT_SECRET_KEY=" + s3Secret}
	return "http://" + address, servertest.Start(t, address, program, []string{t.TempDir(), address}, environment)
}

// replica serves a bucket. Calling stop twice is fine.
func replica(t testing.TB, so S3Options, o Options) (url string, stop func()) {
	t.Helper()
	b, err := OpenS3(t.Context(), so)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := serveStorage(t, b, o)
	return h.URL, h.Close
}

// served is a server with its address.
type served struct {
	URL   string
	Close func()
}

// serveStorage serves a storage until the end of the test, or the call of Close.
func serveStorage(t testing.TB, storage Storage, o Options) (served, *Server) {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := New(t.Context(), storage, o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	stop := sync.OnceFunc(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return served{h.URL, stop}, s
}

// inBucket gives the keys of all objects but the state, with their contents.
func inBucket(t testing.TB, o S3Options) map[string]string {
	t.Helper()
	b, err := newS3(o)
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	err = b.list(t.Context(), "", func(o Object) error {
		if strings.Contains(o.Key, "@"+stateName) || strings.Contains(o.Key, "@"+segmentName) || strings.HasSuffix(o.Key, "@probe") {
			return nil
		}
		data, _, err := b.get(t.Context(), o.Key, "", maxObject)
		objects[o.Key] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// checkBucket holds that an index and a bucket agree: every entry is there as it
// says, and nothing else is. It gives the digests of the archives by file.
func checkBucket(t testing.TB, url string, o S3Options) map[string]string {
	t.Helper()
	digests := map[string]string{}
	objects := inBucket(t, o)
	for _, versions := range index(t, url).Entries {
		for _, v := range versions {
			file := v.Name + "-" + v.Version + ".tgz"
			digests[file] = v.Digest
			stored := objects[file]
			if digestOf([]byte(stored)) != v.Digest {
				t.Errorf("%s is in the bucket with %d bytes, which is not what the index says", file, len(stored))
			}
			if served := want(t, 200, "GET", url+"/charts/"+file, nil).body; served != stored {
				t.Errorf("%s is not served as it is in the bucket", file)
			}
			a := do(t, "GET", url+"/charts/"+file+".prov", nil)
			switch prov, there := objects[file+".prov"]; {
			case there && (a.status != 200 || a.body != prov):
				t.Errorf("%s.prov: status %d, want what is in the bucket", file, a.status)
			case there:
				if err := checkProv(file, []byte(stored), []byte(prov)); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			case a.status != http.StatusNotFound:
				t.Errorf("%s.prov: status %d, but it is not in the bucket", file, a.status)
			}
		}
	}
	for key := range objects {
		if digests[strings.TrimSuffix(key, ".prov")] == "" {
			t.Errorf("%s is in the bucket, but not in the index", key)
		}
	}
	return digests
}

func TestABucketIsServed(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	url, stop := replica(t, o, Options{AllowForce: true})
	web := archive(t, "web", "1.0.0")
	want(t, 201, "POST", url+"/api/charts", web)
	want(t, 409, "POST", url+"/api/charts", web)
	other := archive(t, "web", "1.0.0", "b: 2\n")
	want(t, 409, "POST", url+"/api/charts", other)
	body, kind := form(t, "chart", archive(t, "db", "2.0.0"), "prov", sign(t, "db-2.0.0.tgz", archive(t, "db", "2.0.0")))
	want(t, 201, "POST", url+"/api/charts", body, "Content-Type", kind)
	want(t, 409, "POST", url+"/api/charts", body, "Content-Type", kind)
	checkBucket(t, url, o)

	want(t, 201, "POST", url+"/api/prov", sign(t, "web-1.0.0.tgz", web))
	want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	want(t, 409, "POST", url+"/api/prov", sign(t, "web-1.0.0.tgz", web))
	checkBucket(t, url, o)
	want(t, 201, "POST", url+"/api/charts?force", other)
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	if digests := checkBucket(t, url, o); digests["web-1.0.0.tgz"] != digestOf(other) || len(digests) != 2 {
		t.Errorf("the index has %v", digests)
	}
	part := want(t, 206, "GET", url+"/charts/web-1.0.0.tgz", nil, "Range", "bytes=10-19")
	if part.body != string(other[10:20]) {
		t.Error("a part of an archive is not that part")
	}

	want(t, 200, "DELETE", url+"/api/charts/web/1.0.0", nil)
	want(t, 404, "DELETE", url+"/api/charts/web/1.0.0", nil)
	want(t, 201, "POST", url+"/api/charts", web)
	tag := want(t, 200, "GET", url+"/index.yaml", nil).header.Get("ETag")
	stop()
	url, _ = replica(t, o, Options{})
	if got := want(t, 200, "GET", url+"/index.yaml", nil).header.Get("ETag"); got != tag {
		t.Errorf("after a start the index has the tag %s, had %s", got, tag)
	}
	if digests := checkBucket(t, url, o); digests["web-1.0.0.tgz"] != digestOf(web) {
		t.Error("a version that was deleted and uploaded again is not there")
	}
}

func TestEverySegmentIsRead(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	first, _ := replica(t, o, Options{})
	follower, _ := replica(t, o, Options{})
	const charts = 3*maxRecent + 5
	for n := range charts {
		want(t, 201, "POST", first+"/api/charts", archive(t, fmt.Sprintf("c%d", n), "1.0.0"))
		if n%50 == 7 {
			want(t, 200, "DELETE", follower+fmt.Sprintf("/api/charts/c%d/1.0.0", n), nil)
		}
	}
	newcomer, _ := replica(t, o, Options{})
	tag := want(t, 200, "GET", first+"/index.yaml", nil).header.Get("ETag")
	for _, url := range []string{follower, newcomer} {
		a := want(t, 200, "GET", url+"/index.yaml", nil)
		if a.header.Get("ETag") != tag {
			t.Error("replicas have different indexes of one state")
		}
	}
	if n := len(index(t, newcomer).Entries); n != charts-4 {
		t.Errorf("%d charts in the index, want %d", n, charts-4)
	}
}

// TestAReplicaTakesManyChangesOfAChartAtOnce changes a chart at one replica, and
// asks the other when all of it is done.
func TestAReplicaTakesManyChangesOfAChartAtOnce(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	first, _ := replica(t, o, Options{AllowForce: true})
	follower, _ := replica(t, o, Options{AllowForce: true})
	version := func(n int) []byte { return archive(t, "web", fmt.Sprintf("%d.0.0", n)) }
	const half = 6
	for n := range half {
		want(t, 201, "POST", first+"/api/charts", version(n))
	}
	want(t, 200, "GET", follower+"/index.yaml", nil)
	for n := range half {
		if n%2 == 0 {
			want(t, 200, "DELETE", first+fmt.Sprintf("/api/charts/web/%d.0.0", n), nil)
		} else {
			want(t, 201, "POST", first+"/api/charts?force", version(n))
		}
		want(t, 201, "POST", first+"/api/charts", version(half+n))
	}
	expected := checkBucket(t, first, o)
	if got := checkBucket(t, follower, o); len(expected) != half/2+half || !maps.Equal(got, expected) {
		t.Errorf("the index has\n%v, want %d versions, as the other replica:\n%v", got, half/2+half, expected)
	}
}

// TestARepositoryThatIsDamagedDoesNotTakeOthersAlong starts a replica on a bucket
// where the state of one of two repositories cannot be read.
func TestARepositoryThatIsDamagedDoesNotTakeOthersAlong(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	url, stop := replica(t, o, Options{Depth: 1})
	for _, team := range []string{"a", "b"} {
		want(t, 201, "POST", url+"/api/"+team+"/charts", archive(t, "web", "1.0.0"))
	}
	stop()
	b, err := newS3(o)
	if err != nil {
		t.Fatal(err)
	}
	damage := func(team string) {
		t.Helper()
		if _, err := b.put(t.Context(), newTenant(team).private(stateName), []byte("{"), ""); err != nil {
			t.Fatal(err)
		}
	}
	damage("a")
	others := archive(t, "db", "1.0.0")
	if _, err := b.put(t.Context(), "b/db-1.0.0.tgz", others, ""); err != nil {
		t.Fatal(err)
	}
	url, stop = replica(t, o, Options{Depth: 1})
	want(t, 500, "GET", url+"/a/index.yaml", nil)
	want(t, 200, "GET", url+"/b/charts/web-1.0.0.tgz", nil)
	want(t, 200, "GET", url+"/b/charts/db-1.0.0.tgz", nil)
	want(t, 201, "POST", url+"/api/b/charts", archive(t, "web", "2.0.0"))
	stop()

	damage("b")
	bucket, err := OpenS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), bucket, Options{Depth: 1, Now: time.Now}); err == nil || !strings.Contains(err.Error(), "read the state") {
		t.Errorf("a server that can serve nothing: error %v", err)
	}
}
