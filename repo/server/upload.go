package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"time"

	"github.com/e6d26078/slipway/provenance"
)

// upload is what a client has sent.
type upload struct {
	chart, prov []byte
	created     time.Time // that the index is to name; zero for now
}

// readUpload reads a body: an archive, or a form with the files chart and prov.
func (s *Server) readUpload(w http.ResponseWriter, r *http.Request) (upload, error) {
	var u upload
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		var err error
		u.chart, err = readBody(http.MaxBytesReader(w, r.Body, s.o.MaxUpload))
		return u, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.o.MaxUpload+maxProv+64<<10)
	form, err := r.MultipartReader()
	if err != nil {
		return u, &inputError{err}
	}
	const maxParts = 16
	for range maxParts {
		part, err := form.NextPart()
		if err == io.EOF {
			return u, nil
		}
		if err != nil {
			return u, bodyError(err)
		}
		into, limit := &u.chart, s.o.MaxUpload
		switch part.FormName() {
		case "chart":
		case "prov":
			into, limit = &u.prov, maxProv
		default:
			continue
		}
		if *into != nil {
			return u, badInput("the form has two files %s", part.FormName())
		}
		if *into, err = readBody(http.MaxBytesReader(w, part, limit)); err != nil {
			return u, err
		}
	}
	return u, badInput("the form has more than %d parts", maxParts)
}

func readBody(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(r)
	return data, bodyError(err)
}

// bodyError marks what the client is to blame for: nearly everything about a body.
func bodyError(err error) error {
	if err == nil || errors.As(err, new(*http.MaxBytesError)) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return &inputError{fmt.Errorf("read the upload: %w", err)}
}

// postChart stores an archive, or one with its .prov file, or a .prov file.
func (s *Server) postChart(w *recorder, r *http.Request, rt route) {
	s.receive(w, r, rt, s.readUpload)
}

// postProv stores a .prov file for an archive that is there.
func (s *Server) postProv(w *recorder, r *http.Request, rt route) {
	s.receive(w, r, rt, func(w http.ResponseWriter, r *http.Request) (u upload, err error) {
		u.prov, err = readBody(http.MaxBytesReader(w, r.Body, maxProv))
		return u, err
	})
}

func (s *Server) receive(w *recorder, r *http.Request, rt route, read func(http.ResponseWriter, *http.Request) (upload, error)) {
	if s.o.NoAPI {
		s.fail(w, http.StatusNotFound, "not found")
		return
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		w.Header().Set("Retry-After", "1")
		s.fail(w, http.StatusServiceUnavailable, "too many uploads at a time")
		return
	}
	ev := event{Action: "upload", Repository: rt.tenant, User: w.user, Status: http.StatusCreated}
	u, err := read(w, r)
	if err == nil {
		// What was decided on is done even if the client does not wait for it.
		ctx := context.WithoutCancel(r.Context())
		overwrite := s.o.AllowOverwrite || s.o.AllowForce && r.URL.Query().Has("force")
		switch {
		case len(u.chart) > 0:
			err = s.store(ctx, rt.tenant, u, overwrite, &ev)
		case len(u.prov) > 0:
			ev.Action = "prov"
			err = s.storeProv(ctx, rt.tenant, u.prov, overwrite, &ev)
		default:
			err = badInput("no package or provenance file found in the body or in the form fields chart and prov")
		}
	}
	if err != nil {
		s.failChange(w, r, ev, err)
		return
	}
	s.audit.write(r, ev)
	var removed []event
	if ev.Action == "upload" {
		removed = s.retain(context.WithoutCancel(r.Context()), r, rt, ev)
	}
	s.answerJSON(w, http.StatusCreated, map[string]bool{"saved": true})
	s.hooks.tell(ev)
	for _, ev := range removed {
		s.hooks.tell(ev)
	}
}

var errMissing = errors.New("not found")

// failChange answers why a change was not made.
func (s *Server) failChange(w *recorder, r *http.Request, ev event, err error) {
	var tooLarge *http.MaxBytesError
	var input *inputError
	status, message := http.StatusInternalServerError, "the change could not be stored; the server's log has the reason"
	switch {
	case errors.As(err, &tooLarge):
		status, message = http.StatusRequestEntityTooLarge, fmt.Sprintf("the upload is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		status, message = http.StatusRequestTimeout, "the upload took too long"
	case errors.As(err, &input):
		status, message = http.StatusBadRequest, err.Error()
	case errors.Is(err, errUnsigned):
		status, message = http.StatusUnprocessableEntity, err.Error()
	case errors.Is(err, errMissing):
		status, message = http.StatusNotFound, err.Error()
	case errors.Is(err, errExists), errors.Is(err, ErrConflict):
		status, message = http.StatusConflict, err.Error()
	case errors.Is(err, errQuota):
		status, message = http.StatusInsufficientStorage, err.Error()
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", retryAfter)
		status, message = http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, errUnreachable), errors.Is(err, errMoved): // where it is, and why, is for the log alone
		w.Header().Set("Retry-After", retryAfter)
		status, message = http.StatusServiceUnavailable, errUnreachable.Error()
	case errors.Is(err, ErrFull):
		status, message = http.StatusInsufficientStorage, "the storage is full; nothing was stored"
	}
	if status >= http.StatusInternalServerError {
		s.log.Error("change", "error", err.Error())
	}
	ev.Status, ev.Error = status, err.Error()
	s.audit.write(r, ev)
	s.fail(w, status, message)
}

// store checks an archive with its .prov file, if there is one, and puts both
// into the storage and the index.
func (s *Server) store(ctx context.Context, tenantName string, u upload, overwrite bool, ev *event) error {
	c, err := readChart(s.o.Loader, u.chart)
	if err != nil {
		return err
	}
	file, digest := fileName(c.Metadata), digestOf(u.chart)
	ev.Chart, ev.Version, ev.Digest, ev.Prov = c.Name(), c.Metadata.Version, digest, len(u.prov) > 0
	sig, err := s.checkSignature(ctx, file, u.chart, u.prov)
	if err != nil {
		return err
	}
	t, err := s.makeTenant(ctx, tenantName)
	if err != nil {
		return err
	}
	defer s.keys.lock(t.key(file))()
	old := t.find(file)
	if same := t.version(c.Name(), c.Metadata.Version); same != nil && same.file != file {
		return fmt.Errorf("version %s of %s is in the file %s: %w", same.version, same.name, same.file, errExists)
	}
	if old != nil && old.name != c.Name() {
		return fmt.Errorf("%s: %w", file, errExists)
	}
	// So that nothing can go wrong once the files are there:
	if _, err := newEntry(c.Metadata, digest, Object{Key: t.key(file), Modified: s.o.Now()}, Object{}, s.baseURL(t.name)); err != nil {
		return &inputError{err}
	}
	if err := s.changes.add(ctx, t, addition{meta: c.Metadata, file: file, digest: digest, upload: u, overwrite: overwrite}); err != nil {
		return err
	}
	s.noteSignature(t, file, digest, sig)
	return nil
}

// checkProv finds that a .prov file is about an archive. Whether its signature
// counts is for those to say who trust keys.
func checkProv(file string, archive, prov []byte) error {
	statement, err := provenance.Parse(prov)
	if err == nil {
		err = statement.Check(file, archive)
	}
	if err != nil {
		return badInput("the .prov file: %w", err)
	}
	return nil
}

// storeProv puts a .prov file beside the archive that it is about.
func (s *Server) storeProv(ctx context.Context, tenantName string, prov []byte, overwrite bool, ev *event) error {
	statement, err := provenance.Parse(prov)
	if err != nil {
		return badInput("the .prov file: %w", err)
	}
	ev.Chart, ev.Version, ev.Prov = statement.Metadata.Name, statement.Metadata.Version, true
	t, err := s.changes.fresh(ctx, tenantName)
	if err != nil {
		return err
	}
	file := fileName(statement.Metadata)
	defer s.keys.lock(t.key(file))()
	e := t.find(file)
	if e == nil {
		return fmt.Errorf("chart %.100q version %.100q: %w; upload it before its .prov file, or with it", ev.Chart, ev.Version, errMissing)
	}
	if e.prov.Key != "" && !overwrite {
		return fmt.Errorf("%s.prov: %w", file, errExists)
	}
	archive, err := s.readArchive(ctx, t, e)
	if err != nil {
		return err
	}
	sig, err := s.checkSignature(ctx, file, archive, prov)
	if err != nil {
		return err
	}
	ev.Digest = e.digest
	if err := s.changes.addProv(ctx, t, e, archive, prov, overwrite); err != nil {
		return err
	}
	s.noteSignature(t, file, e.digest, sig)
	return nil
}

func (s *Server) readArchive(ctx context.Context, t *tenant, e *entry) ([]byte, error) {
	content, _, err := s.changes.open(ctx, t, e, false)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// deleteVersion removes an archive and its .prov file.
func (s *Server) deleteVersion(w *recorder, r *http.Request, rt route) {
	ev := event{Action: "delete", Repository: rt.tenant, Chart: rt.name, Version: rt.version, User: w.user, Status: http.StatusOK}
	if err := s.remove(context.WithoutCancel(r.Context()), rt, &ev); err != nil {
		s.failChange(w, r, ev, err)
		return
	}
	s.audit.write(r, ev)
	s.answerJSON(w, http.StatusOK, map[string]bool{"deleted": true})
	s.hooks.tell(ev)
}

func (s *Server) remove(ctx context.Context, rt route, ev *event) error {
	t, err := s.changes.fresh(ctx, rt.tenant)
	if err != nil {
		return err
	}
	e := t.version(rt.name, rt.version)
	if e == nil || rt.version == latest && e.version != latest || s.o.NoAPI {
		return errMissing
	}
	defer s.keys.lock(t.key(e.file))()
	if e = t.find(e.file); e == nil {
		return errMissing
	}
	ev.Digest = e.digest
	return s.changes.remove(ctx, t, e)
}
