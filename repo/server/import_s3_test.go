package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// place is where charts are imported from or to: a folder, or a bucket.
type place struct {
	Dir    string
	Bucket *S3Options
}

func (p place) String() string {
	if p.Bucket != nil {
		return "bucket"
	}
	return "folder"
}

// read opens a place only to be read.
func (p place) read() (Source, error) {
	if p.Bucket != nil {
		return OpenImportBucket(*p.Bucket)
	}
	return OpenImportFolder(p.Dir)
}

func importPlaces(ctx context.Context, from, to place, dry bool) (*ImportReport, error) {
	source, err := from.read()
	if err != nil {
		return nil, err
	}
	o := ImportOptions{Now: time.Now, Depth: 2, DryRun: dry}
	if dry {
		target, err := to.read()
		if err != nil {
			return nil, err
		}
		return Import(ctx, source, target, o)
	}
	if to.Bucket != nil {
		bucket, err := OpenS3(ctx, *to.Bucket)
		if err != nil {
			return nil, err
		}
		return Import(ctx, source, bucket, o)
	}
	folder, err := OpenFolder(to.Dir, time.Now)
	if err != nil {
		return nil, err
	}
	report, err := Import(ctx, source, folder, o)
	return report, errors.Join(err, folder.Close())
}

// files reads the charts and .prov files of a place.
func (p place) files(t testing.TB) map[string]string {
	t.Helper()
	if p.Bucket == nil {
		return tree(t, p.Dir)
	}
	files := map[string]string{}
	source, err := p.read()
	if err == nil {
		err = source.List(t.Context(), func(o Object) error {
			if path.Base(o.Key) == "index-cache.yaml" {
				return nil
			}
			data, err := readAll(t.Context(), source, o.Key)
			files[o.Key] = string(data)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// count is how many files there are that are not hidden.
func (p place) count(t testing.TB) (n int) {
	t.Helper()
	source, err := p.read()
	if err == nil {
		err = source.List(t.Context(), func(Object) error { n++; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newBucket is one with a prefix of its own, with these files.
func newBucket(t testing.TB, o S3Options, prefix string, files map[string]string) place {
	t.Helper()
	o.Prefix = prefix
	b, err := newS3(o)
	if err != nil {
		t.Fatal(err)
	}
	for key, data := range files {
		if _, err := b.put(t.Context(), key, []byte(data), ""); err != nil {
			t.Fatal(err)
		}
	}
	return place{Bucket: &o}
}

// served holds that a server of the place has the charts of the source, with
// their bytes and their times.
func (p place) served(t *testing.T, from place, wanted map[string]string) {
	t.Helper()
	source, err := from.read()
	if err != nil {
		t.Fatal(err)
	}
	created := map[string]time.Time{}
	err = source.List(t.Context(), func(o Object) error { created[o.Key] = o.Modified; return nil })
	if err != nil {
		t.Fatal(err)
	}
	var url string
	if p.Bucket != nil {
		url, _ = replica(t, *p.Bucket, Options{Depth: 2})
	} else {
		url, _ = start(t, p.Dir, Options{Depth: 2})
	}
	found := 0
	for i := range 3 {
		at := fmt.Sprintf("org/repo%d", i)
		for _, versions := range index(t, url+"/"+at).Entries {
			for _, v := range versions {
				file := v.Name + "-" + v.Version + ".tgz"
				key := at + "/" + file
				found++
				if v.Digest != digestOf([]byte(wanted[key])) || !v.Created.Equal(created[key]) {
					t.Errorf("%s: digest %s, created %s, want %s", key, v.Digest, v.Created, created[key])
				}
				if got := want(t, 200, "GET", url+"/"+at+"/charts/"+file, nil).body; got != wanted[key] {
					t.Errorf("%s is served with other bytes", key)
				}
				if got := do(t, "GET", url+"/"+at+"/charts/"+file+".prov", nil); got.status == 200 && got.body != wanted[key+".prov"] || got.status != 200 && wanted[key+".prov"] != "" {
					t.Errorf("%s.prov: status %d", key, got.status)
				}
			}
		}
	}
	archives := 0
	for file := range wanted {
		if strings.HasSuffix(file, ".tgz") {
			archives++
		}
	}
	if found != archives {
		t.Errorf("%d charts are served, want %d", found, archives)
	}
}

func TestImportsBetweenFoldersAndBuckets(t *testing.T) {
	t.Parallel()
	s3 := startS3(t)
	dir, provs := museum(t, 20)
	put(t, dir, "org/repo0/"+hubFile, []byte("repositoryID: x\n"))
	folder := place{Dir: dir}
	theirs := folder.files(t)
	bucket := newBucket(t, s3, "museum", theirs)
	for i, pair := range [][2]place{
		{folder, newBucket(t, s3, "one", nil)},
		{bucket, newBucket(t, s3, "two/deep", nil)},
		{bucket, {Dir: t.TempDir()}},
		{folder, {Dir: t.TempDir()}},
	} {
		from, to := pair[0], pair[1]
		t.Run(fmt.Sprintf("%d from %s to %s", i, from, to), func(t *testing.T) {
			report, err := importPlaces(t.Context(), from, to, true)
			if err != nil || report.Imported != 20 || report.Signed != provs || len(to.files(t)) > 0 {
				t.Fatalf("a dry run: %+v, %v, %d files", report, err, len(to.files(t)))
			}
			for again := range 2 {
				report, err := importPlaces(t.Context(), from, to, false)
				if err != nil || report.Imported != 20*(1-again) || report.Present != 20*again || report.Signed != provs || len(report.LeftOut) > 0 {
					t.Fatalf("%+v, %v", report, err)
				}
			}
			report, err = importPlaces(t.Context(), from, to, true)
			if err != nil || report.Present != 20 {
				t.Errorf("a dry run, when all is there: %+v, %v", report, err)
			}
			if ours := to.files(t); !maps.Equal(ours, theirs) {
				t.Errorf("%v\nwant %v", slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs)))
			}
			to.served(t, from, theirs)
		})
	}
	if !maps.Equal(bucket.files(t), theirs) || len(inBucket(t, *bucket.Bucket)) != len(theirs) {
		t.Error("the bucket that was read is changed")
	}
}

func TestAnImportOfAllDepths(t *testing.T) {
	t.Parallel()
	web := string(archive(t, "web", "1.0.0"))
	from := newBucket(t, startS3(t), "museum", map[string]string{
		"web-1.0.0.tgz": web, "a/web-1.0.0.tgz": web, "a/b/c/web-1.0.0.tgz": web, "a/charts/web-1.0.0.tgz": web, "repo/web-1.0.0.tgz": web,
	})
	source, err := from.read()
	if err != nil {
		t.Fatal(err)
	}
	to := newBucket(t, *from.Bucket, "ours", nil)
	bucket, err := OpenS3(t.Context(), *to.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Import(t.Context(), source, bucket, ImportOptions{Now: time.Now, Depth: AnyDepth})
	if err != nil || report.Imported != 3 || len(report.LeftOut) != 2 || !strings.Contains(report.LeftOut[0].Reason, `no repository "a/charts"`) {
		t.Errorf("%+v, %v", report, err)
	}
	url, _ := replica(t, *to.Bucket, Options{Depth: AnyDepth})
	for _, path := range []string{"/charts/web-1.0.0.tgz", "/a/charts/web-1.0.0.tgz", "/a/b/c/charts/web-1.0.0.tgz"} {
		if got := want(t, 200, "GET", url+path, nil).body; got != web {
			t.Errorf("%s is another", path)
		}
	}
}

func TestAnImportFromABucketLeavesOutWhatIsNotRight(t *testing.T) {
	t.Parallel()
	web := string(archive(t, "web", "1.0.0"))
	from := newBucket(t, startS3(t), "museum", map[string]string{
		"org/repo0/web-1.0.0.tgz":        web,
		"org/repo0/web-1.0.0.tgz.prov":   string(sign(t, "web-1.0.0.tgz", archive(t, "web", "1.0.0", "b: 1\n"))),
		"org/repo0/cut-1.0.0.tgz":        web[:len(web)/2],
		"org/repo0/a b-1.0.0.tgz":        web,
		"web-1.0.0.tgz":                  web,
		"org/repo0/large-1.0.0.tgz":      string(make([]byte, DefaultMaxUpload+1)),
		"org/.hidden/web-1.0.0.tgz":      web,
		".slipway/org/repo0/@state":      "{}",
		"org/repo0/index-cache.yaml":     "{}",
		"org/repo0/gone-1.0.0.tgz.prov":  "x",
		"org/repo0/artifacthub-repo.yml": "{}",
	})
	to := newBucket(t, *from.Bucket, "ours", map[string]string{"org/repo0/artifacthub-repo.yml": "another"})
	report, err := importPlaces(t.Context(), from, to, false)
	if err != nil || report.Imported != 1 || report.Signed != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	reasons := map[string]string{
		"org/repo0/web-1.0.0.tgz.prov": ".prov file", "org/repo0/cut-1.0.0.tgz": "EOF", "org/repo0/a b-1.0.0.tgz": "a name has to be", "web-1.0.0.tgz": "--depth",
		"org/repo0/large-1.0.0.tgz": "larger than", "org/repo0/gone-1.0.0.tgz.prov": "its archive is not there", "org/repo0/artifacthub-repo.yml": "another file by this name",
	}
	for _, l := range report.LeftOut {
		if reason := reasons[l.File]; reason == "" || !strings.Contains(l.Reason, reason) {
			t.Errorf("%s: %s", l.File, l.Reason)
		}
		delete(reasons, l.File)
	}
	if len(reasons) > 0 {
		t.Errorf("not left out: %v", reasons)
	}
	if ours := to.files(t); len(ours) != 2 || ours["org/repo0/web-1.0.0.tgz"] != web || ours["org/repo0/artifacthub-repo.yml"] != "another" {
		t.Errorf("%d files", len(ours))
	}
}

// importToBucket is the environment variable with the places of an import of the test binary.
const importToBucket = "SLIPWAY_TEST_IMPORT_BUCKET"

// TestAnImportIntoABucketInAProcessOfItsOwn is what the next test kills.
func TestAnImportIntoABucketInAProcessOfItsOwn(t *testing.T) {
	text := os.Getenv(importToBucket)
	if text == "" {
		t.Skip("another test runs it")
	}
	var places [2]place
	if err := json.Unmarshal([]byte(text), &places); err != nil {
		t.Fatal(err)
	}
	if _, err := importPlaces(t.Context(), places[0], places[1], false); err != nil {
		t.Fatal(err)
	}
}

func TestAnImportIntoABucketThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	s3 := startS3(t)
	dir, provs := museum(t, 40)
	folder := place{Dir: dir}
	theirs := folder.files(t)
	from, to := newBucket(t, s3, "museum", theirs), newBucket(t, s3, "ours", nil)
	places, err := json.Marshal([2]place{from, to})
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for _, enough := range []int{1, 9, 22, 41} { // objects, after which it is killed
		cmd := exec.Command(os.Args[0], "-test.run", "^TestAnImportIntoABucketInAProcessOfItsOwn$")
		cmd.Env = append(os.Environ(), importToBucket+"="+string(places))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for going := true; going; {
			select {
			case err := <-ended: // it was faster
				if err != nil {
					t.Fatal(err)
				}
				going = false
			default:
				if to.count(t) >= enough {
					_ = cmd.Process.Kill()
					if err := <-ended; err != nil {
						killed++
					}
					going = false
				}
			}
		}
		for file, data := range to.files(t) {
			if theirs[file] != data {
				t.Errorf("%s is not the one of the source", file)
			}
		}
	}
	if killed < 2 {
		t.Errorf("only %d of the processes were killed at work", killed)
	}
	report, err := importPlaces(t.Context(), from, to, false)
	if err != nil || report.Imported+report.Present != 40 || report.Signed != provs || len(report.LeftOut) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
	to.served(t, from, theirs)
}

func TestWhatAKilledImportHasLeftGetsItsTime(t *testing.T) {
	t.Parallel()
	dir, _ := museum(t, 2)
	from := place{Dir: dir}
	theirs := from.files(t)
	left := maps.Clone(theirs)
	maps.DeleteFunc(left, func(file, _ string) bool { return strings.HasSuffix(file, ".prov") })
	to := newBucket(t, startS3(t), "ours", left) // which no state has
	if report, err := importPlaces(t.Context(), from, to, false); err != nil || report.Imported != 2 || report.Signed != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	to.served(t, from, theirs)
}

func TestAnImportFromABucketThatIsAwayIsNoEmptyOne(t *testing.T) {
	t.Parallel()
	o := startS3(t)
	o.Bucket = "nothing"
	_, err := importPlaces(t.Context(), place{Bucket: &o}, place{Dir: t.TempDir()}, false)
	if !errors.Is(err, errNoBucket) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
