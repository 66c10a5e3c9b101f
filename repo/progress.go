package repo

import (
	"io"
	"net/http"
)

// Progress says how far a download is.
type Progress struct {
	ID    any    // which download it is, to compare
	URL   string // without credentials
	Got   int64  // bytes
	Total int64  // bytes, 0 if that is not known
	Done  bool   // it has ended, in one way or another
}

// watched is the body of an answer; who watches is told of each part.
func (t *transfer) watched(response *http.Response) io.Reader {
	if t.client.Watch == nil {
		return response.Body
	}
	p := Progress{ID: t.id, URL: redacted(t.what.URL), Got: int64(t.body.Len())}
	if response.ContentLength > 0 {
		p.Total = p.Got + response.ContentLength
	}
	return &watchedBody{from: response.Body, tell: t.client.Watch, now: p}
}

type watchedBody struct {
	from io.Reader
	tell func(Progress)
	now  Progress
}

func (w *watchedBody) Read(p []byte) (int, error) {
	n, err := w.from.Read(p)
	if n > 0 {
		w.now.Got += int64(n)
		w.tell(w.now)
	}
	return n, err
}
