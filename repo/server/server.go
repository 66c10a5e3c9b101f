package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// The limits that hold if the options have none.
const (
	DefaultMaxUpload = 20 << 20 // bytes, as ChartMuseum's
	maxProv          = 1 << 20
)

// Quota limits one repository. 0 is no limit.
type Quota struct {
	Objects int   // archives
	Bytes   int64 // archives and .prov files
}

// Options change what a server does. Only Now is required.
type Options struct {
	Now func() time.Time

	// Depth is the number of names in front of a repository's paths: 0 for one
	// repository, 2 for /org/repo/index.yaml, AnyDepth for all together.
	Depth int
	// ContextPath stands in front of all paths.
	ContextPath string
	// ChartURL stands in front of the archives' paths in the index, which are
	// relative without it.
	ChartURL string
	// Version is what /info says.
	Version string

	// AllowOverwrite lets uploads replace versions. AllowForce does so for
	// uploads with ?force.
	AllowOverwrite bool
	AllowForce     bool
	// NoDelete and NoAPI turn routes off.
	NoDelete bool
	NoAPI    bool

	Auth Auth
	// Signatures says which .prov files count.
	Signatures Signatures
	// Webhooks are told of changes; nil for nobody.
	Webhooks  *Webhooks
	Quota     Quota
	Retention Retention
	MaxUpload int64   // bytes of an upload; 0 means DefaultMaxUpload
	Rate      float64 // requests a second that one address may send; 0 is no limit
	Loader    chart.Loader
	Origin    string // that browsers may call from, for CORS; "" for none

	// ReadTimeout is how long a request may take to arrive; 0 means a minute.
	ReadTimeout time.Duration

	Log   *slog.Logger // nil for none
	Audit io.Writer    // gets a line of JSON for every change and refusal; may be nil
	// Cache is the path of a file that keeps what is known of the archives for
	// the next start; "" for none.
	Cache string
}

// Server is a chart repository. It is an http.Handler.
type Server struct {
	storage Storage
	o       Options
	log     *slog.Logger
	auth    *authorizer
	rates   *rates
	foreign *http.CrossOriginProtection // against pages of other sites, which reach servers of the reader's machine
	metrics *metrics
	audit   *audit
	changes changer
	keys    keyedLocks
	uploads chan struct{} // room for uploads at a time

	pages      *pages
	signatures signatures
	hooks      *hooks

	mu      sync.RWMutex
	tenants map[string]*tenant
}

// maxUploads is how many uploads there may be at a time: each is in memory.
const maxUploads = 32

// New reads what the storage has and makes a server of it. Close it.
func New(ctx context.Context, storage Storage, o Options) (*Server, error) {
	if o.Now == nil {
		return nil, errors.New("server: Options.Now is missing")
	}
	if err := checkDepth(o.Depth); err != nil {
		return nil, err
	}
	if o.MaxUpload <= 0 {
		o.MaxUpload = DefaultMaxUpload
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.ContextPath = strings.TrimRight("/"+strings.Trim(o.ContextPath, "/"), "/")
	if o.ChartURL != "" {
		u, err := url.Parse(o.ChartURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("the address of the charts %q has to be one of http or https", o.ChartURL)
		}
		o.ChartURL = strings.TrimRight(o.ChartURL, "/") + "/"
	}
	auth, err := newAuthorizer(o.Auth, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Server{
		storage: storage, o: o, log: o.Log, auth: auth, rates: newRates(o.Rate, o.Now), metrics: newMetrics(), foreign: http.NewCrossOriginProtection(),
		audit: &audit{out: o.Audit, now: o.Now}, tenants: map[string]*tenant{}, uploads: make(chan struct{}, maxUploads),
	}
	if o.Origin != "" {
		if err := s.foreign.AddTrustedOrigin(o.Origin); err != nil {
			return nil, fmt.Errorf("the origin %q that browsers may call from: %w", o.Origin, err)
		}
	}
	if err := o.Signatures.check(); err != nil {
		return nil, err
	}
	if s.pages, err = newPages(); err != nil {
		return nil, err
	}
	s.changes = storage.changes(s)
	if err := s.changes.load(ctx); err != nil {
		return nil, errors.Join(err, s.changes.close())
	}
	s.hooks = newHooks(o.Webhooks, o.Now, o.Log, s.metrics, hookPause)
	return s, nil
}

// Close ends what goes on beside the requests, and closes the cache. The storage stays open.
func (s *Server) Close() error {
	s.hooks.close()
	return s.changes.close()
}

// tenant gives the repository of a name; one that is not there yet is empty.
func (s *Server) tenant(name string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.tenants[name]; t != nil {
		return t
	}
	return newTenant(name)
}

// makeTenant gives the repository of a name, to which something is uploaded.
func (s *Server) makeTenant(ctx context.Context, name string) (*tenant, error) {
	t, err := s.changes.fresh(ctx, name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tenants[name]; t != nil {
		return t, nil
	}
	for other := range s.tenants { // where systems do not tell them apart, rights would be mixed up
		if strings.EqualFold(other, name) {
			return nil, badInput("repository %s differs from %s in case alone; use one of them", name, other)
		}
	}
	s.tenants[name] = t
	return t, nil
}

// key is that of a file in the storage.
func (t *tenant) key(file string) string {
	if t.name == "" {
		return file
	}
	return t.name + "/" + file
}

// baseURL stands in front of charts/ in a repository's index.
func (s *Server) baseURL(tenant string) string {
	if s.o.ChartURL == "" || tenant == "" {
		return s.o.ChartURL
	}
	return s.o.ChartURL + tenant + "/"
}

// keyedLocks are locks by name, for as long as somebody holds or wants them.
type keyedLocks struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	sync.Mutex
	users int
}

func (k *keyedLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyedLock{}
	}
	l := k.held[key]
	if l == nil {
		l = &keyedLock{}
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := s.o.Now()
	recorder := &recorder{ResponseWriter: w}
	rt, found := parseRoute(r.URL, s.o.ContextPath, s.o.Depth)
	s.serve(recorder, r, rt, found)
	taken := s.o.Now().Sub(start)
	s.metrics.count(rt.kind, r.Method, recorder.code(), taken)
	if rt.kind != routeHealth {
		s.log.Info("request", "method", r.Method, "path", r.URL.Path, "status", recorder.code(),
			"bytes", recorder.written, "seconds", taken.Seconds(), "remote", remoteHost(r), "user", recorder.user)
	}
}

func (s *Server) serve(w *recorder, r *http.Request, rt route, found bool) {
	h := w.Header()
	h.Set("Content-Security-Policy", s.pages.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if s.o.Origin != "" {
		h.Set("Access-Control-Allow-Origin", s.o.Origin)
		h.Add("Vary", "Origin")
	}
	if rt.kind == routeHealth {
		s.getHealth(w, r)
		return
	}
	if !s.rates.allow(remoteHost(r)) {
		h.Set("Retry-After", "1")
		s.fail(w, http.StatusTooManyRequests, "too many requests from this address")
		return
	}
	if err := s.foreign.Check(r); err != nil {
		s.fail(w, http.StatusForbidden, "a page of another site has sent this")
		return
	}
	if s.o.Origin != "" && r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	action := actionPull
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		action = actionPush
	}
	user, err := s.auth.check(r, rt.tenant, action)
	w.user = user
	if err != nil {
		s.refuse(w, r, rt, action, err)
		return
	}
	handler := s.handler(r.Method, rt)
	switch {
	case !found:
		s.fail(w, http.StatusNotFound, "not found")
	case handler == nil:
		s.fail(w, http.StatusMethodNotAllowed, "method not allowed")
	default:
		handler(w, r, rt)
	}
}

// handler finds what answers a method at a route, nil if nothing does.
func (s *Server) handler(method string, rt route) func(*recorder, *http.Request, route) {
	switch method {
	case http.MethodGet, http.MethodHead:
		return map[kind]func(*recorder, *http.Request, route){
			routeHome: s.getHome, routeInfo: s.getInfo, routeMetrics: s.getMetrics, routeIndex: s.getIndex, routeFile: s.getFile,
			routeHub: s.getHub, routePage: s.getPage, routeCharts: s.getCharts, routeChart: s.getChart,
			routeVersion: s.getVersion, routeTemplates: s.getTemplates, routeValues: s.getValues,
		}[rt.kind]
	case http.MethodPost, http.MethodPut:
		switch {
		case rt.kind == routeCharts:
			return s.postChart
		case rt.kind == routeProv:
			return s.postProv
		}
	case http.MethodDelete:
		if rt.kind == routeVersion && !s.o.NoDelete {
			return s.deleteVersion
		}
	}
	return nil
}
