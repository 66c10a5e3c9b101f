package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// blob downloads a blob and verifies its digest.
func (r *remoteRepository) blob(ctx context.Context, d ocispec.Descriptor, limit int64, what string) ([]byte, error) {
	if d.Size > limit {
		return nil, &TooLargeError{What: what, Size: d.Size, Limit: limit}
	}
	data, _, err := r.download(ctx, r.url("blobs", d.Digest.String()), "*/*", d.Size, what)
	if err != nil {
		return nil, err
	}
	if got := d.Digest.Algorithm().FromBytes(data); got != d.Digest {
		return nil, &DigestError{What: what, Want: d.Digest.String(), Got: got.String()}
	}
	return data, nil
}

// manifest downloads a manifest by tag or digest.
func (r *remoteRepository) manifest(ctx context.Context, tagOrDigest, what string) (data []byte, mediaType string, d digest.Digest, err error) {
	accept := strings.Join([]string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex}, ", ")
	data, header, err := r.download(ctx, r.url("manifests", tagOrDigest), accept, -maxManifest, what)
	if err != nil {
		return nil, "", "", err
	}
	d = digest.FromBytes(data)
	if want := digest.Digest(tagOrDigest); want.Validate() == nil {
		if d = want.Algorithm().FromBytes(data); d != want {
			return nil, "", "", &DigestError{What: what, Want: string(want), Got: string(d)}
		}
	} else if want := digest.Digest(header.Get("Docker-Content-Digest")); want.Validate() == nil && want.Algorithm().FromBytes(data) != want {
		return nil, "", "", &DigestError{What: what, Want: string(want), Got: string(want.Algorithm().FromBytes(data))}
	}
	mediaType, _, _ = mime.ParseMediaType(header.Get("Content-Type"))
	return data, mediaType, d, nil
}

// download gets a document of the given size, or up to -size. An answer that
// breaks off is asked for again; the client does so if there is none.
func (r *remoteRepository) download(ctx context.Context, url, accept string, size int64, what string) ([]byte, http.Header, error) {
	for try := 1; ; try++ {
		data, header, begun, err := r.downloadOnce(ctx, url, accept, size, what)
		if err == nil || !begun || !isCutOff(err) || try >= r.options.Tries {
			return data, header, r.fault(err, what)
		}
		if err := r.pause(ctx, try); err != nil {
			return nil, nil, err
		}
	}
}

// pause waits after a try that failed.
func (r *remoteRepository) pause(ctx context.Context, try int) error {
	timer := time.NewTimer(min(r.options.Wait<<min(try-1, 10), longestWait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (r *remoteRepository) downloadOnce(ctx context.Context, url, accept string, size int64, what string) (data []byte, header http.Header, begun bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx = auth.AppendRepositoryScope(ctx, r.ref.remote(), auth.ActionPull)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, false, err
	}
	request.Header.Set("Accept", accept)
	response, err := r.http.Do(request)
	if err != nil {
		return nil, nil, false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, false, refusalOf(response)
	}
	stalled := fmt.Errorf("nothing arrived for %s: %w", r.options.Stall, io.ErrUnexpectedEOF)
	timer := time.AfterFunc(r.options.Stall, func() { cancel(stalled) })
	defer timer.Stop()
	body := &watched{Reader: response.Body, timer: timer, stall: r.options.Stall, tell: r.options.Watch}
	if body.tell != nil {
		body.now = Progress{ID: body, What: what, Total: max(response.ContentLength, 0)}
		defer func() { body.tell(Progress{ID: body, What: what, Got: body.now.Got, Done: true}) }()
	}
	data, err = readSized(body, response.ContentLength, size, what)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return data, response.Header, true, err
}

// watched puts a timer off for as long as something arrives, and tells of it.
type watched struct {
	io.Reader
	timer *time.Timer
	stall time.Duration
	tell  func(Progress)
	now   Progress
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.timer.Reset(w.stall)
		if w.now.Got += int64(n); w.tell != nil {
			w.tell(w.now)
		}
	}
	return n, err
}

// readSized reads a document of exactly the size, or of up to -size.
func readSized(r io.Reader, announced, size int64, what string) ([]byte, error) {
	limit := size
	if size < 0 {
		limit = -size
	}
	switch {
	case size < 0 && announced > limit:
		return nil, &TooLargeError{What: what, Size: announced, Limit: limit}
	case size >= 0 && announced >= 0 && announced != size:
		return nil, wrongSize(what, size, announced)
	}
	var buf bytes.Buffer
	buf.Grow(int(min(max(announced, size, 0), 1<<20)) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, err
	case size < 0 && n > limit:
		return nil, &TooLargeError{What: what, Limit: limit}
	case size >= 0 && n < size && announced < 0:
		return nil, io.ErrUnexpectedEOF
	case size >= 0 && n != size:
		return nil, wrongSize(what, size, n)
	}
	return buf.Bytes(), nil
}

// wrongSize is a mismatch that shows before the digest is known.
func wrongSize(what string, want, got int64) error {
	return &DigestError{What: what, Want: fmt.Sprintf("of %d bytes", want), Got: fmt.Sprintf("of %d bytes or more", got)}
}

// refusalOf reads what a registry says about an error.
func refusalOf(response *http.Response) error {
	refusal := &errcode.ErrorResponse{Method: response.Request.Method, URL: response.Request.URL, StatusCode: response.StatusCode}
	var body struct {
		Errors errcode.Errors `json:"errors"`
	}
	if data, err := io.ReadAll(io.LimitReader(response.Body, 16<<10)); err == nil && json.Unmarshal(data, &body) == nil {
		refusal.Errors = body.Errors
	}
	return refusal
}

// isCutOff says whether a connection broke off.
func isCutOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)
}
