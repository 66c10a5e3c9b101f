package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

func (s *Server) getInfo(w *recorder, _ *http.Request, _ route) {
	s.answerJSON(w, http.StatusOK, map[string]string{"version": s.o.Version})
}

// getHealth answers whether requests can be answered.
func (s *Server) getHealth(w *recorder, r *http.Request) {
	if err := s.changes.check(r.Context()); err != nil {
		s.log.Error("health", "error", err.Error())
		s.answerJSON(w, http.StatusServiceUnavailable, map[string]bool{"healthy": false})
		return
	}
	s.answerJSON(w, http.StatusOK, map[string]bool{"healthy": true})
}

// freshTenant gives a repository as it is now, or answers why not, and nil.
func (s *Server) freshTenant(w *recorder, r *http.Request, name string) *tenant {
	t, err := s.changes.fresh(r.Context(), name)
	if err != nil {
		s.failStorage(w, err)
		return nil
	}
	return t
}

// getIndex answers with the index, compressed if the client takes that.
func (s *Server) getIndex(w *recorder, r *http.Request, rt route) {
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	index := t.snapshot()
	plain, zipped := `"`+index.etag+`"`, `"`+index.etag+`-gzip"`
	useZipped := acceptsGzip(r.Header.Get("Accept-Encoding"))
	h := w.Header()
	h.Set("Content-Type", "application/x-yaml")
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", plain)
	if useZipped {
		h.Set("ETag", zipped)
	}
	for tag := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		switch tag {
		case plain, zipped:
			h.Set("ETag", tag)
			w.WriteHeader(http.StatusNotModified)
			return
		case "*":
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if useZipped {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(index.zipped))
	} else {
		h.Set("Content-Length", strconv.Itoa(index.size))
	}
	if r.Method == http.MethodHead {
		return
	}
	index.write(w, useZipped)
}

// write writes an index. An error means that the client has gone.
func (x *snapshot) write(to io.Writer, zipped bool) {
	w := bufio.NewWriterSize(to, 64<<10) // most blocks are small, and each would be a call of the system
	defer w.Flush()
	if zipped {
		_, _ = io.WriteString(w, gzipHead)
	}
	for _, b := range x.blocks {
		piece := b.raw
		if zipped {
			piece = b.fragment
		}
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
	if zipped {
		_, _ = w.Write(x.tail)
	}
}

// acceptsGzip reads an Accept-Encoding header.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, parameters, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, weighted := strings.CutPrefix(strings.TrimSpace(parameters), "q=")
		if !weighted {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err == nil && weight > 0
	}
	return false
}

// maxMoves is how often a file that is replaced meanwhile is looked for anew.
const maxMoves = 5

// openFile opens an archive or a .prov file that is in the index. Not to be there is fs.ErrNotExist.
func (s *Server) openFile(ctx context.Context, tenantName, file string, isProv bool) (*entry, Content, Object, error) {
	for moves := 0; ; moves++ {
		t, err := s.changes.fresh(ctx, tenantName)
		if err != nil {
			return nil, nil, Object{}, err
		}
		e := t.find(file)
		if e == nil || isProv && e.prov.Key == "" {
			return nil, nil, Object{}, fmt.Errorf("%s: %w", file, fs.ErrNotExist)
		}
		content, opened, err := s.changes.open(ctx, t, e, isProv)
		if err == nil || moves == maxMoves || !errors.Is(err, errMoved) {
			return e, content, opened, err
		}
	}
}

// getFile answers with an archive or a .prov file, also with parts of it.
func (s *Server) getFile(w *recorder, r *http.Request, rt route) {
	file, isProv := strings.CutSuffix(rt.name, ".prov")
	e, content, opened, err := s.openFile(r.Context(), rt.tenant, file, isProv)
	if err != nil {
		s.failStorage(w, err)
		return
	}
	wanted, kind := e.object, "application/x-tar"
	if isProv {
		wanted, kind = e.prov, "application/pgp-signature"
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-cache")
	switch {
	case opened.Version != wanted.Version: // just being replaced
	case isProv:
		h.Set("ETag", `"`+opened.Version+`"`)
	default:
		h.Set("ETag", `"`+e.digest+`"`)
	}
	http.ServeContent(w, r, "", opened.Modified, content)
}

// getHub answers with the file that Artifact Hub reads, if somebody put it there.
func (s *Server) getHub(w *recorder, r *http.Request, rt route) {
	content, opened, err := s.storage.Open(r.Context(), newTenant(rt.tenant).key(hubFile))
	if err != nil {
		s.failStorage(w, err)
		return
	}
	defer content.Close()
	w.Header().Set("Content-Type", "application/x-yaml")
	http.ServeContent(w, r, "", opened.Modified, content)
}

// getCharts answers with all charts, or offset and limit of them by name.
func (s *Server) getCharts(w *recorder, r *http.Request, rt route) {
	if s.o.NoAPI {
		s.fail(w, http.StatusNotFound, "not found")
		return
	}
	offset, limit := 0, -1
	var err error
	if text := r.URL.Query().Get("offset"); text != "" {
		if offset, err = strconv.Atoi(text); err != nil || offset < 0 {
			s.fail(w, http.StatusBadRequest, "offset is not a valid non-negative integer")
			return
		}
	}
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit <= 0 {
			s.fail(w, http.StatusBadRequest, "limit is not a valid positive integer")
			return
		}
	}
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	blocks := t.list()
	blocks = blocks[min(offset, len(blocks)):]
	if limit >= 0 {
		blocks = blocks[:min(limit, len(blocks))]
	}
	charts := make(map[string]repo.Versions, len(blocks))
	for _, b := range blocks {
		name := b.entries[0].name
		if charts[name], err = decode(name, b.entries...); err != nil {
			s.failStorage(w, err)
			return
		}
	}
	s.answerJSON(w, http.StatusOK, charts)
}

// getChart answers with all versions of a chart.
func (s *Server) getChart(w *recorder, r *http.Request, rt route) {
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	b := t.chart(rt.name)
	if b == nil || s.o.NoAPI {
		s.fail(w, http.StatusNotFound, "chart not found")
		return
	}
	versions, err := decode(rt.name, b.entries...)
	if err != nil {
		s.failStorage(w, err)
		return
	}
	s.answerJSON(w, http.StatusOK, versions)
}

// entryFor finds the version that a route names, or answers that there is none.
func (s *Server) entryFor(w *recorder, r *http.Request, rt route) *entry {
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return nil
	}
	e := t.version(rt.name, rt.version)
	if e == nil || s.o.NoAPI {
		s.fail(w, http.StatusNotFound, "chart version not found")
		return nil
	}
	return e
}

func (s *Server) getVersion(w *recorder, r *http.Request, rt route) {
	e := s.entryFor(w, r, rt)
	if e == nil {
		return
	}
	versions, err := decode(e.name, e)
	if err != nil || len(versions) != 1 {
		s.failStorage(w, errors.Join(err, errors.New("the index of the chart cannot be read")))
		return
	}
	sig, err := s.signatureOf(r.Context(), s.tenant(rt.tenant), e)
	if err != nil {
		s.failStorage(w, err)
		return
	}
	s.answerJSON(w, http.StatusOK, struct {
		*repo.Version
		Signature signature `json:"signature"`
	}{versions[0], sig})
}

func (s *Server) getTemplates(w *recorder, r *http.Request, rt route) {
	if c := s.openChart(w, r, rt); c != nil {
		s.answerJSON(w, http.StatusOK, map[string]any{"templates": c.Templates, "values": c.Values})
	}
}

func (s *Server) getValues(w *recorder, r *http.Request, rt route) {
	c := s.openChart(w, r, rt)
	if c == nil {
		return
	}
	for _, f := range c.Raw {
		if f.Name == "values.yaml" {
			w.Header().Set("Content-Type", "application/yaml")
			_, _ = w.Write(f.Data)
			return
		}
	}
	s.fail(w, http.StatusNotFound, "values.yaml not found")
}

// openChart loads the version that a route names, or answers why not.
func (s *Server) openChart(w *recorder, r *http.Request, rt route) *chart.Chart {
	e := s.entryFor(w, r, rt)
	if e == nil {
		return nil
	}
	c, err := s.loadChart(r.Context(), rt.tenant, e)
	if err != nil {
		s.failStorage(w, err)
		return nil
	}
	return c
}

func (s *Server) loadChart(ctx context.Context, tenantName string, e *entry) (*chart.Chart, error) {
	_, content, _, err := s.openFile(ctx, tenantName, e.file, false)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return s.o.Loader.LoadArchive(content)
}

// answerJSON answers with a value. HTML that browsers would take for a page is escaped.
func (s *Server) answerJSON(w *recorder, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
		s.log.Error("write an answer", "error", err.Error())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}

// fail answers with an error in ChartMuseum's form.
func (s *Server) fail(w *recorder, status int, message string) {
	s.answerJSON(w, status, map[string]string{"error": message})
}

// failStorage answers that something cannot be read. Why is for the log alone.
func (s *Server) failStorage(w *recorder, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		s.fail(w, http.StatusNotFound, "not found")
		return
	}
	if errors.Is(err, errUnreachable) || errors.Is(err, errMoved) {
		s.log.Error("storage", "error", err.Error())
		w.Header().Set("Retry-After", retryAfter)
		s.fail(w, http.StatusServiceUnavailable, "the storage cannot be read; try again later")
		return
	}
	s.log.Error("storage", "error", err.Error())
	s.fail(w, http.StatusInternalServerError, "the storage cannot be read; the server's log has the reason")
}
