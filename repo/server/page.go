package server

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed web
var web embed.FS

// pages are the templates of the pages, and what browsers may do on them.
type pages struct {
	home, chart *template.Template
	policy      string // for the header Content-Security-Policy
}

// newPages reads the templates. Pages load nothing from elsewhere, and run the one
// script and style that are in them.
func newPages() (*pages, error) {
	style, err := web.ReadFile("web/style.css")
	if err != nil {
		return nil, err
	}
	script, err := web.ReadFile("web/script.js")
	if err != nil {
		return nil, err
	}
	p := &pages{policy: "default-src 'none'; style-src " + sourceHash(style) + "; script-src " + sourceHash(script) +
		"; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}
	functions := template.FuncMap{
		"style":  func() template.CSS { return template.CSS(style) },
		"script": func() template.JS { return template.JS(script) },
	}
	read := func(name string) (*template.Template, error) {
		return template.New(name).Funcs(functions).ParseFS(web, "web/layout.html", "web/"+name)
	}
	if p.home, err = read("home.html"); err != nil {
		return nil, err
	}
	p.chart, err = read("chart.html")
	return p, err
}

// sourceHash names a style or script in a Content-Security-Policy.
func sourceHash(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func (s *Server) render(w *recorder, t *template.Template, page any) {
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout.html", page); err != nil {
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

// address is that of a repository, as the client has called the server. What it
// says is shown to itself alone.
func (s *Server) address(r *http.Request, tenant string) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host := r.Host
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:[]-_") != "" || host == "" {
		host = "ADDRESS"
	}
	return scheme + "://" + host + strings.TrimSuffix(s.basePath(tenant), "/")
}

// repositoryNames are those that a request may read, without the one that has no name.
func (s *Server) repositoryNames(r *http.Request) []string {
	s.mu.RLock()
	var names []string
	for name, t := range s.tenants {
		if name == "" {
			continue
		}
		if charts, _, _ := t.count(); charts > 0 {
			names = append(names, name)
		}
	}
	s.mu.RUnlock()
	slices.Sort(names)
	names = names[:min(len(names), maxRepositories)]
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := s.auth.check(r, name, actionPull)
		return err != nil
	})
}

// maxRepositories is how many repositories one page has.
const maxRepositories = 1000
