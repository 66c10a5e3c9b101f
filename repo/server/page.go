package server

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/repo"
)

//go:embed web
var web embed.FS

// contentPolicy lets pages load nothing and run nothing.
const contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxShown is how many charts one page has.
const maxShown = 200

type homePage struct {
	Title, Base, Query string
	Charts             []*repo.Version
	Found, All         int
	NoRepository       bool
}

type chartPage struct {
	Title, Base string
	Version     *repo.Version
	Versions    []string
	Signed      bool
	Readme      template.HTML
	Values      string
	Home        string
}

func (s *Server) render(w *recorder, name string, page any) {
	t, err := template.ParseFS(web, "web/"+name, "web/layout.html")
	var out bytes.Buffer
	if err == nil {
		err = t.ExecuteTemplate(&out, "layout.html", page)
	}
	if err != nil {
		s.failStorage(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(out.Bytes())
}

// basePath is the path of a repository, with a slash at its end.
func (s *Server) basePath(tenant string) string {
	return strings.TrimSuffix(path.Join("/", s.o.ContextPath, tenant), "/") + "/"
}

// getHome lists the charts of a repository, or those that a search finds.
func (s *Server) getHome(w *recorder, r *http.Request, rt route) {
	page := homePage{Title: "Charts", Base: s.basePath(rt.tenant), Query: r.URL.Query().Get("q")}
	if rt.tenant == "" && s.o.Depth > 0 {
		page.NoRepository = true
		s.render(w, "home.html", page)
		return
	}
	if rt.tenant != "" {
		page.Title = "Charts of " + rt.tenant
	}
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	words := strings.Fields(strings.ToLower(page.Query))
	for _, b := range t.list() {
		page.All++
		newest := b.entries[0]
		if !containsAll(strings.ToLower(newest.name+"\n"+string(newest.text)), words) {
			continue
		}
		if page.Found++; page.Found > maxShown {
			continue
		}
		if versions, err := decode(newest.name, newest); err == nil && len(versions) == 1 {
			page.Charts = append(page.Charts, versions[0])
		}
	}
	s.render(w, "home.html", page)
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

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
	page := chartPage{Title: e.name + " " + e.version, Base: s.basePath(rt.tenant), Version: versions[0], Signed: e.prov.Key != ""}
	for _, other := range b.entries {
		page.Versions = append(page.Versions, other.version)
	}
	if home := versions[0].Home; strings.HasPrefix(home, "https://") || strings.HasPrefix(home, "http://") {
		page.Home = home
	}
	if c, err := s.loadChart(r.Context(), rt.tenant, e); err == nil {
		page.Readme, page.Values = readme(c)
	}
	s.render(w, "chart.html", page)
}

// maxReadme is the size up to which a README is shown, in bytes.
const maxReadme = 512 << 10

// readme gives a chart's README as HTML that is safe to show, and its values.
func readme(c *chart.Chart) (html template.HTML, values string) {
	for _, f := range c.Raw {
		switch {
		case f.Name == "values.yaml" && len(f.Data) <= maxReadme:
			values = string(f.Data)
		case strings.EqualFold(f.Name, "README.md") && len(f.Data) <= maxReadme:
			var out bytes.Buffer
			if goldmark.New(goldmark.WithExtensions(extension.Table)).Convert(f.Data, &out) == nil {
				html = template.HTML(bluemonday.UGCPolicy().SanitizeBytes(out.Bytes()))
			}
		}
	}
	return html, values
}
