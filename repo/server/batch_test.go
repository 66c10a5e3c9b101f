package server

import (
	"testing"
)

// TestAScanDoesNotUndoAnUploadOfItsBatch lets an upload, and what a scan has found of
// the same file before, be written at once.
func TestAScanDoesNotUndoAnUploadOfItsBatch(t *testing.T) {
	t.Parallel()
	b, err := OpenS3(t.Context(), startS3(t))
	if err != nil {
		t.Fatal(err)
	}
	h, s := serveStorage(t, b, Options{})
	want(t, 201, "POST", h.URL+"/api/charts", archive(t, "web", "1.0.0"))
	shelf := s.changes.(*shared).shelf("")
	one := shelf.now("web-1.0.0.tgz")
	for name, seen := range map[string]*change{"of a new file": nil, "of a file that was there": one} {
		file := "new-1.0.0.tgz"
		made, found := *one, *one
		if seen != nil {
			file = one.File
		} else {
			made.Gen, found.Gen = 0, 0
		}
		made.Prov, found.Found = stored{Digest: digestOf([]byte("prov")), Size: 4}, true
		upload := &proposal{file: file, decide: func(*change) (*change, error) {
			next := made
			return &next, nil
		}}
		scan := shelf.propose(file, seen, &found)
		shelf.commitAll(t.Context(), []*proposal{upload, scan})
		if upload.err != nil || scan.err != nil {
			t.Fatal(upload.err, scan.err)
		}
		if now := shelf.now(file); now.Found || now.Prov.Digest == "" || upload.made != now {
			t.Errorf("%s: what was uploaded with its .prov file is %+v", name, now)
		}
	}
}
