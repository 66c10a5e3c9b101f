package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

// archive packages a chart. Other contents make another archive of the same version.
func archive(t testing.TB, name, version string, contents ...string) []byte {
	t.Helper()
	c := &chart.Chart{
		Metadata: &chart.Metadata{APIVersion: "v2", Name: name, Version: version, Description: "a chart: of tests"},
		Raw:      []*chart.File{{Name: "values.yaml", Data: []byte("a: 1 # one\n")}},
		Templates: []*chart.File{
			{Name: "templates/a.yaml", Data: []byte("a: {{ .Values.a }}\n" + strings.Join(contents, ""))},
		},
		Files: []*chart.File{{Name: "README.md", Data: []byte("# Read\n<script>alert(1)</script>[x](javascript:alert(1))\n")}},
	}
	c.Values = map[string]any{"a": 1}
	return archiveOf(t, c)
}

func archiveOf(t testing.TB, c *chart.Chart) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := chart.Save(c, &out, chart.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sign makes the .prov file of an archive, by a key that nobody knows.
func sign(t testing.TB, file string, archive []byte) []byte {
	t.Helper()
	entity, err := openpgp.NewEntity("a", "", "a@example.com", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := entity.SerializePrivate(&out, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := provenance.ReadKeyring(&out)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keys.Signer("a@example.com", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	prov, err := provenance.Sign(context.Background(), file, archive, signer)
	if err != nil {
		t.Fatal(err)
	}
	return prov
}

// start serves the folder dir. Calling stop twice is fine.
func start(t testing.TB, dir string, o Options) (url string, stop func()) {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	folder, err := OpenFolder(dir, o.Now)
	if err != nil {
		t.Fatal(err)
	}
	o.Cache = folder.CachePath()
	s, err := New(t.Context(), folder, o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	stop = sync.OnceFunc(func() {
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return h.URL, stop
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers are name, value, ...
func do(t testing.TB, method, url string, body []byte, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// want sends a request and holds the status against a wanted one.
func want(t testing.TB, status int, method, url string, body []byte, headers ...string) answer {
	t.Helper()
	a := do(t, method, url, body, headers...)
	if a.status != status {
		t.Fatalf("%s %s: status %d, want %d\n%s", method, url, a.status, status, a.body)
	}
	return a
}

// form packs files into a multipart form: field, content, ...
func form(t testing.TB, parts ...any) (body []byte, contentType string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		part, err := w.CreateFormFile(parts[i].(string), "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(parts[i+1].([]byte)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), w.FormDataContentType()
}

// index reads the index of a repository.
func index(t testing.TB, url string) *repo.Index {
	t.Helper()
	x, err := repo.ParseIndex([]byte(want(t, 200, "GET", url+"/index.yaml", nil).body))
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Skipped) > 0 {
		t.Fatal(x.Skipped)
	}
	return x
}

func TestAnUploadIsInTheIndexAtIts201AndAfterARestart(t *testing.T) {
	dir := t.TempDir()
	url, stop := start(t, dir, Options{})
	web := archive(t, "web", "1.0.0")
	if a := want(t, 201, "POST", url+"/api/charts", web); a.body != `{"saved":true}` {
		t.Error(a.body)
	}
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.10.0"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "web", "1.9.0+b.1"))
	want(t, 201, "POST", url+"/api/charts", archive(t, "123", "0.1.0"))
	var before string
	for range 3 { // read from the archives' entries, from the cache, and without it
		x := index(t, url)
		var got []string
		for _, name := range []string{"123", "web"} {
			for _, v := range x.Entries[name] {
				got = append(got, v.Name+" "+v.Version+" "+v.URLs[0])
			}
		}
		const wanted = "123 0.1.0 charts/123-0.1.0.tgz|web 1.10.0 charts/web-1.10.0.tgz|web 1.9.0+b.1 charts/web-1.9.0+b.1.tgz|web 1.0.0 charts/web-1.0.0.tgz"
		if strings.Join(got, "|") != wanted {
			t.Errorf("got %s", strings.Join(got, "|"))
		}
		if digest := x.Entries["web"][2].Digest; digest != digestOf(web) {
			t.Errorf("digest %s", digest)
		}
		text, err := json.Marshal(x.Entries)
		if err != nil {
			t.Fatal(err)
		}
		if before != "" && before != string(text) {
			t.Errorf("another index after a restart:\n%s\n%s", before, text)
		}
		before = string(text)
		stop()
		url, stop = start(t, dir, Options{})
		_ = os.Remove(filepath.Join(dir, private, "known"))
	}
	if a := want(t, 200, "GET", url+"/charts/web-1.0.0.tgz", nil); a.body != string(web) {
		t.Error("another archive")
	}
	want(t, 200, "GET", url+"/charts/web-1.9.0%2Bb.1.tgz", nil)
	want(t, 404, "GET", url+"/charts/web-2.0.0.tgz", nil)
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
}

func TestTheIndexIsSentOnceAndCompressed(t *testing.T) {
	dir := t.TempDir()
	url, stop := start(t, dir, Options{})
	empty := want(t, 200, "GET", url+"/index.yaml", nil)
	index(t, url)
	for i := range 20 {
		want(t, 201, "POST", url+"/api/charts", archive(t, fmt.Sprintf("c%d", i%7), fmt.Sprintf("1.%d.0", i)))
	}
	plain := want(t, 200, "GET", url+"/index.yaml", nil)
	zipped := want(t, 200, "GET", url+"/index.yaml", nil, "Accept-Encoding", "br, gzip;q=0.5")
	if plain.header.Get("ETag") == zipped.header.Get("ETag") || plain.header.Get("ETag") == empty.header.Get("ETag") {
		t.Error("entity tags of different bytes are equal")
	}
	if zipped.header.Get("Content-Encoding") != "gzip" || len(zipped.body) >= len(plain.body) {
		t.Errorf("%d bytes are compressed to %d", len(plain.body), len(zipped.body))
	}
	reader, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	reader.Multistream(false) // as decoders that stop after the first member
	text, err := io.ReadAll(reader)
	if err != nil || string(text) != plain.body {
		t.Fatalf("unpacked to %d bytes of %d: %v", len(text), len(plain.body), err)
	}
	for _, a := range []answer{plain, zipped} {
		got := want(t, 304, "GET", url+"/index.yaml", nil, "If-None-Match", `"x", W/`+a.header.Get("ETag"))
		if got.header.Get("ETag") != a.header.Get("ETag") || got.body != "" {
			t.Errorf("304 with %q: %v", got.body, got.header)
		}
	}
	head := want(t, 200, "HEAD", url+"/index.yaml", nil)
	if head.header.Get("Content-Length") != fmt.Sprint(len(plain.body)) || head.header.Get("ETag") != plain.header.Get("ETag") {
		t.Errorf("HEAD: %v", head.header)
	}
	stop()
	url, _ = start(t, dir, Options{})
	want(t, 304, "GET", url+"/index.yaml", nil, "If-None-Match", plain.header.Get("ETag"))
	want(t, 200, "DELETE", url+"/api/charts/c1/1.1.0", nil)
	want(t, 200, "GET", url+"/index.yaml", nil, "If-None-Match", plain.header.Get("ETag"))
	if a := want(t, 200, "GET", url+"/index.yaml", nil, "Accept-Encoding", "gzip;q=0"); a.header.Get("Content-Encoding") != "" {
		t.Error("compressed though it was refused")
	}
}

func TestArchivesInPartsAndByCondition(t *testing.T) {
	url, _ := start(t, t.TempDir(), Options{})
	web := archive(t, "web", "1.0.0")
	want(t, 201, "PUT", url+"/api/charts", web)
	file := url + "/charts/web-1.0.0.tgz"
	tag := want(t, 200, "HEAD", file, nil).header.Get("ETag")
	if tag != `"`+digestOf(web)+`"` {
		t.Errorf("entity tag %s", tag)
	}
	want(t, 304, "GET", file, nil, "If-None-Match", tag)
	part := want(t, 206, "GET", file, nil, "Range", "bytes=10-19", "If-Range", tag)
	if part.body != string(web[10:20]) {
		t.Errorf("part %q", part.body)
	}
	want(t, 416, "GET", file, nil, "Range", "bytes=999999-")
}

func TestVersionsAreNotReplacedUnlessAllowed(t *testing.T) {
	first, second := archive(t, "web", "1.0.0"), archive(t, "web", "1.0.0", "b: 2\n")
	for _, c := range []struct {
		o            Options
		plain, force int
	}{
		{Options{}, 409, 409},
		{Options{AllowForce: true}, 409, 201},
		{Options{AllowOverwrite: true}, 201, 201},
	} {
		url, _ := start(t, t.TempDir(), c.o)
		want(t, 201, "POST", url+"/api/charts", first)
		want(t, c.plain, "POST", url+"/api/charts", second)
		want(t, c.force, "POST", url+"/api/charts?force", second)
		stored := want(t, 200, "GET", url+"/charts/web-1.0.0.tgz", nil)
		entry, err := index(t, url).Get("web", "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		if digestOf([]byte(stored.body)) != entry.Digest {
			t.Error("index and archive differ")
		}
		if replaced := stored.body == string(second); replaced != (c.force == 201) {
			t.Errorf("replaced: %v", replaced)
		}
	}
}

func TestEightUploadsOfOneVersionGiveOne201(t *testing.T) {
	for _, withProv := range []bool{false, true} {
		url, _ := start(t, t.TempDir(), Options{})
		statuses := make([]int, 8)
		archives := make([][]byte, 8)
		var group sync.WaitGroup
		for i := range statuses {
			archives[i] = archive(t, "web", "1.0.0", fmt.Sprintf("b: %d\n", i))
			body, kind := archives[i], "application/octet-stream"
			if withProv {
				body, kind = form(t, "chart", archives[i], "prov", sign(t, "web-1.0.0.tgz", archives[i]))
			}
			group.Go(func() { statuses[i] = do(t, "POST", url+"/api/charts", body, "Content-Type", kind).status })
		}
		group.Wait()
		winner := -1
		for i, status := range statuses {
			switch {
			case status == 201 && winner < 0:
				winner = i
			case status != 409:
				t.Fatalf("statuses %v", statuses)
			}
		}
		if winner < 0 {
			t.Fatalf("statuses %v", statuses)
		}
		if want(t, 200, "GET", url+"/charts/web-1.0.0.tgz", nil).body != string(archives[winner]) {
			t.Error("not the winner's archive")
		}
	}
}

func TestProvenanceFilesBelongToTheirArchives(t *testing.T) {
	dir := t.TempDir()
	url, stop := start(t, dir, Options{AllowForce: true})
	first, second := archive(t, "web", "1.0.0"), archive(t, "web", "1.0.0", "b: 2\n")
	prov1, prov2 := sign(t, "web-1.0.0.tgz", first), sign(t, "web-1.0.0.tgz", second)
	want(t, 404, "POST", url+"/api/prov", prov1)
	want(t, 400, "POST", url+"/api/prov", []byte("no signature"))
	body, kind := form(t, "chart", first, "prov", prov2)
	want(t, 400, "POST", url+"/api/charts", body, "Content-Type", kind)
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz", nil)
	want(t, 201, "POST", url+"/api/charts", first)
	want(t, 400, "POST", url+"/api/prov", prov2)
	want(t, 201, "POST", url+"/api/prov", prov1)
	want(t, 409, "POST", url+"/api/prov", prov1)
	if want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil).body != string(prov1) {
		t.Error("another .prov file")
	}
	want(t, 201, "POST", url+"/api/charts?force", second)
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	body, kind = form(t, "chart", first, "prov", prov1)
	want(t, 201, "POST", url+"/api/charts?force", body, "Content-Type", kind)
	want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	stop()
	url, _ = start(t, dir, Options{})
	want(t, 200, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	if a := want(t, 200, "DELETE", url+"/api/charts/web/1.0.0", nil); a.body != `{"deleted":true}` {
		t.Error(a.body)
	}
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz", nil)
	want(t, 404, "DELETE", url+"/api/charts/web/1.0.0", nil)
	left, err := filepath.Glob(filepath.Join(dir, "[a-z]*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left: %v", left, err)
	}
}

func TestAProvenanceFileWithoutArchiveDoesNotSignALaterOne(t *testing.T) {
	dir := t.TempDir()
	web := archive(t, "web", "1.0.0")
	if err := os.WriteFile(filepath.Join(dir, "web-1.0.0.tgz.prov"), sign(t, "web-1.0.0.tgz", web), 0o600); err != nil {
		t.Fatal(err)
	}
	url, stop := start(t, dir, Options{})
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
	want(t, 201, "POST", url+"/api/charts", web)
	stop()
	url, _ = start(t, dir, Options{})
	want(t, 404, "GET", url+"/charts/web-1.0.0.tgz.prov", nil)
}
