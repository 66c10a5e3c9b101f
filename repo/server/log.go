package server

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status  int
	written int64
	user    string
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts what is written.
func (w *recorder) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	return n, err
}

// ReadFrom lets the system copy a file to a connection.
func (w *recorder) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, r)
	w.written += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// event is a line of the audit log.
type event struct {
	Time       time.Time `json:"time"`
	Action     string    `json:"action"` // upload, prov, delete, refused
	Repository string    `json:"repository,omitempty"`
	Chart      string    `json:"chart,omitempty"`
	Version    string    `json:"version,omitempty"`
	Digest     string    `json:"digest,omitempty"` // SHA-256 of the archive
	Prov       bool      `json:"prov,omitempty"`   // a .prov file was sent
	User       string    `json:"user,omitempty"`
	Remote     string    `json:"remote"`
	Status     int       `json:"status"`
	Error      string    `json:"error,omitempty"`
}

// audit writes events, a line of JSON each.
type audit struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
}

func (a *audit) write(r *http.Request, e event) {
	if a.out == nil {
		return
	}
	e.Time, e.Remote = a.now().UTC(), remoteHost(r)
	line, err := json.Marshal(e)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, _ = a.out.Write(append(line, '\n'))
}
