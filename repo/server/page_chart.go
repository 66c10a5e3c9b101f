package server

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

type chartPage struct {
	Title, Base string
	Address     string
	Version     *repo.Version
	File        string // of the archive
	Signature   signature
	Library     bool
	Versions    []shownVersion
	More        int // versions that are not shown
	Readme      template.HTML
	Values      []valuesPart
	Home        string
	Sources     []string
}

// shownVersion is another version of the chart.
type shownVersion struct {
	Version, App string
	Created      time.Time
	Current      bool
	Signed       bool
}

// maxVersions is how many versions one page has.
const maxVersions = 200

// getPage shows one version of a chart.
func (s *Server) getPage(w *recorder, r *http.Request, rt route) {
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	wanted := r.URL.Query().Get("version")
	if wanted == "" {
		wanted = latest
	}
	e, b := t.version(rt.name, wanted), t.chart(rt.name)
	if e == nil || b == nil {
		s.fail(w, http.StatusNotFound, "chart version not found")
		return
	}
	versions, err := decode(e.name, e)
	if err != nil || len(versions) != 1 {
		s.failStorage(w, err)
		return
	}
	v := versions[0]
	page := chartPage{
		Title: e.name + " " + e.version, Base: s.basePath(rt.tenant), Address: s.address(r, rt.tenant),
		Version: v, File: e.file, Library: v.Type == "library",
	}
	if page.Signature, err = s.signatureOf(r.Context(), t, e); err != nil {
		s.failStorage(w, err)
		return
	}
	page.Versions, page.More = shownVersions(b, e)
	if isWebAddress(v.Home) {
		page.Home = v.Home
	}
	for _, source := range v.Sources {
		if isWebAddress(source) && len(page.Sources) < 20 {
			page.Sources = append(page.Sources, source)
		}
	}
	if c, err := s.loadChart(r.Context(), rt.tenant, e); err == nil {
		page.Readme, page.Values = readme(c)
	}
	s.render(w, s.pages.chart, page)
}

// shownVersions are the newest versions of a chart, and how many others there are.
func shownVersions(b *block, current *entry) (shown []shownVersion, more int) {
	entries := b.entries[:min(len(b.entries), maxVersions)]
	versions, err := decode(current.name, entries...)
	if err != nil || len(versions) != len(entries) {
		return nil, 0
	}
	for i, v := range versions {
		shown = append(shown, shownVersion{v.Version, v.AppVersion, v.Created, entries[i] == current, entries[i].prov.Key != ""})
	}
	return shown, len(b.entries) - len(entries)
}

func isWebAddress(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")
}

// maxReadme is the size up to which a README or a values file is shown, in bytes.
const maxReadme = 512 << 10

// readme gives a chart's README as HTML that is safe to show, and its values.
func readme(c *chart.Chart) (html template.HTML, values []valuesPart) {
	for _, f := range c.Raw {
		switch {
		case len(f.Data) > maxReadme:
		case f.Name == "values.yaml":
			values = splitValues(string(f.Data))
		case strings.EqualFold(f.Name, "README.md"):
			html = markdown(f.Data)
		}
	}
	return html, values
}

// valuesPart is a run of lines of a values file that are comments, or are not.
type valuesPart struct {
	Comment bool
	Text    string
}

func splitValues(text string) (parts []valuesPart) {
	for line := range strings.SplitAfterSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		comment := strings.HasPrefix(trimmed, "#")
		if n := len(parts); n > 0 && (parts[n-1].Comment == comment || trimmed == "") {
			parts[n-1].Text += line
		} else if line != "" {
			parts = append(parts, valuesPart{comment, line})
		}
	}
	return parts
}
