package repo

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout is how long a download may take.
const DefaultTimeout = 2 * time.Minute

// MaxChart is the size up to which a packaged chart is downloaded, in bytes.
const MaxChart = 100 << 20

// Access says how a repository is reached: what is meant for its host goes to
// no other.
type Access struct {
	URL                       string // of the repository; its scheme, host and port get the credentials
	Username, Password        string
	CertFile, KeyFile, CAFile string
	Insecure                  bool // do not check certificates
	PassCredentials           bool // send credentials to every host
	PlainHTTP                 bool // for registries
}

// Access gives that of a repository in repositories.yaml.
func (e *Entry) Access() Access {
	return Access{
		URL: e.URL, Username: e.Username, Password: e.Password, CertFile: e.CertFile, KeyFile: e.KeyFile, CAFile: e.CAFile,
		Insecure: e.InsecureSkipTLSVerify, PassCredentials: e.PassCredentialsAll,
	}
}

// Client downloads by HTTP. The zero value is right; a Client may be used by
// several goroutines.
type Client struct {
	UserAgent string
	Timeout   time.Duration // of one download with its retries; 0 means DefaultTimeout
	Pause     time.Duration // before the first retry, doubled for each more; 0 means half a second
	// Other gives what fetches URLs of a scheme that is neither http nor https, nil
	// for one that is not known. Nil knows none.
	Other func(scheme string) (Downloader, error)
	// Watch, unless nil, is told how far downloads by http and https are, by
	// several goroutines at once.
	Watch func(Progress)
}

// StatusError is the answer of a server that is no success.
type StatusError struct {
	URL    string // without credentials
	Status string
	Code   int
}

// Error has Helm's wording.
func (e *StatusError) Error() string { return fmt.Sprintf("failed to fetch %s : %s", e.URL, e.Status) }

// Retryable reports whether the same request may succeed later.
func (e *StatusError) Retryable() bool {
	switch e.Code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// UnreachableError says that a server could not be reached, or broke off, and
// went on to do so when asked again.
type UnreachableError struct{ Err error }

// Error is that of the last attempt.
func (e *UnreachableError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Retryable is true.
func (e *UnreachableError) Retryable() bool { return true }

// Download is what is asked of a server.
type Download struct {
	URL    string
	Accept string
	Max    int64 // bytes, also unpacked
	Gzip   bool  // take it compressed

	ETag, LastModified string // of what is there already
}

// Answer is what a server gave.
type Answer struct {
	Body               []byte
	NotModified        bool
	ETag, LastModified string
}

const attempts = 4

// Do downloads d. What fails in a way that may pass is tried again, from where
// it was cut off if the server allows it. Errors have no credentials in them.
func (c *Client) Do(ctx context.Context, access Access, d Download) (*Answer, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if other, err := c.other(d.URL); err != nil {
		return nil, err
	} else if other != nil {
		return c.fetchOther(ctx, other, access, d)
	}
	hc, done, err := httpClient(access)
	if err != nil {
		return nil, err
	}
	defer done()
	t := &transfer{client: c, http: hc, access: access, what: d}
	if c.Watch != nil {
		t.id = new(int)
		defer func() { c.Watch(Progress{ID: t.id, URL: redacted(d.URL), Got: int64(t.body.Len()), Done: true}) }()
	}
	pause := c.Pause
	if pause == 0 {
		pause = 500 * time.Millisecond
	}
	for n := 1; ; n++ {
		wait, again, err := t.attempt(ctx)
		if err == nil {
			return t.answer()
		}
		err = withoutSecrets(err)
		if again && !errors.As(err, new(*StatusError)) {
			err = &UnreachableError{err}
		}
		if !again || n == attempts || ctx.Err() != nil {
			return nil, err
		}
		if wait == 0 {
			wait = pause + rand.N(pause/2+1)
		}
		pause *= 2
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
	}
}

// transfer is one download over its attempts.
type transfer struct {
	client *Client
	http   *http.Client
	access Access
	what   Download
	body   bytes.Buffer
	head   http.Header // of the answer that the body began with
	cached bool        // the server says that nothing has changed
	id     *int        // for Watch
}

// attempt asks once. It says how long to wait, and whether to ask again.
func (t *transfer) attempt(ctx context.Context) (wait time.Duration, again bool, err error) {
	request, err := t.request(ctx)
	if err != nil {
		return 0, false, err
	}
	response, err := t.http.Do(request)
	if err != nil {
		var refused *refusedError
		return 0, !errors.As(err, &refused) && !isCertificateFault(err), err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotModified && t.what.ETag+t.what.LastModified != "":
		t.cached, t.head = true, response.Header
		return 0, false, nil
	case response.StatusCode == http.StatusPartialContent && t.body.Len() > 0 && continues(response, t.body.Len()):
	case response.StatusCode == http.StatusOK:
		t.body.Reset()
		t.head = response.Header
	default:
		fault := &StatusError{URL: redacted(t.what.URL), Status: response.Status, Code: response.StatusCode}
		if fault.Code == http.StatusRequestedRangeNotSatisfiable && t.body.Len() > 0 { // nothing is behind what has come
			t.body.Reset()
			return 0, true, fault
		}
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return time.Duration(min(max(seconds, 0), 60)) * time.Second, fault.Retryable(), fault
	}
	left := t.what.Max - int64(t.body.Len())
	n, err := t.body.ReadFrom(io.LimitReader(t.watched(response), left+1))
	if n > left {
		return 0, false, fmt.Errorf("%s is larger than %d bytes", redacted(t.what.URL), t.what.Max)
	}
	if err != nil {
		err = fmt.Errorf("download %s: %w", redacted(t.what.URL), err)
	}
	return 0, true, err
}

// continues reports whether a partial answer goes on behind n bytes.
func continues(response *http.Response, n int) bool {
	return strings.HasPrefix(response.Header.Get("Content-Range"), "bytes "+strconv.Itoa(n)+"-")
}

func (t *transfer) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.what.URL, nil)
	if err != nil {
		return nil, withoutSecrets(err)
	}
	h := request.Header
	if t.client.UserAgent != "" {
		h.Set("User-Agent", t.client.UserAgent)
	}
	if t.what.Accept != "" {
		h.Set("Accept", t.what.Accept)
	}
	h.Set("Accept-Encoding", "identity")
	if t.what.Gzip {
		h.Set("Accept-Encoding", "gzip")
	}
	if t.access.Username != "" && t.access.Password != "" && t.access.mayHave(request.URL) {
		request.SetBasicAuth(t.access.Username, t.access.Password)
	}
	validator := ""
	if t.head != nil {
		if validator = t.head.Get("ETag"); validator == "" || strings.HasPrefix(validator, "W/") {
			validator = t.head.Get("Last-Modified")
		}
	}
	if t.body.Len() > 0 && validator != "" {
		h.Set("Range", fmt.Sprintf("bytes=%d-", t.body.Len()))
		h.Set("If-Range", validator)
		return request, nil
	}
	t.body.Reset()
	if t.what.ETag != "" {
		h.Set("If-None-Match", t.what.ETag)
	}
	if t.what.LastModified != "" {
		h.Set("If-Modified-Since", t.what.LastModified)
	}
	return request, nil
}

func (t *transfer) answer() (*Answer, error) {
	a := &Answer{Body: t.body.Bytes(), NotModified: t.cached, ETag: t.head.Get("ETag"), LastModified: t.head.Get("Last-Modified")}
	if t.cached || !t.what.Gzip || !strings.EqualFold(t.head.Get("Content-Encoding"), "gzip") {
		return a, nil // of what was not to be compressed, some servers say so of the file itself
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(a.Body))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", redacted(t.what.URL), err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(io.LimitReader(unzipped, t.what.Max+1)); err != nil {
		return nil, fmt.Errorf("unpack %s: %w", redacted(t.what.URL), err)
	}
	if int64(out.Len()) > t.what.Max {
		return nil, fmt.Errorf("%s is larger than %d bytes", redacted(t.what.URL), t.what.Max)
	}
	a.Body = out.Bytes()
	return a, nil
}

// mayHave reports whether credentials may be sent to a URL.
func (a Access) mayHave(u *url.URL) bool {
	if a.PassCredentials {
		return true
	}
	own, err := url.Parse(a.URL)
	return err == nil && own.Host != "" && own.Scheme == u.Scheme && strings.EqualFold(own.Host, u.Host)
}

// refusedError is a redirect that is not followed.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

func httpClient(access Access) (*http.Client, func(), error) {
	own, err := newTransport(access, true)
	if err != nil {
		return nil, nil, err
	}
	other, err := newTransport(access, access.PassCredentials)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{
		Transport: hosts{access: access, own: own, other: other},
		CheckRedirect: func(request *http.Request, before []*http.Request) error {
			if len(before) >= 10 {
				return &refusedError{"more than 10 redirects"}
			}
			if before[0].URL.Scheme == "https" && request.URL.Scheme != "https" {
				return &refusedError{"redirect from https to " + request.URL.Scheme}
			}
			if !access.mayHave(request.URL) {
				request.Header.Del("Authorization")
			}
			request.Header.Del("Referer") // which has the query of the URL before
			return nil
		},
	}
	return client, func() { own.CloseIdleConnections(); other.CloseIdleConnections() }, nil
}

// hosts shows a client certificate to the repository's own host only.
type hosts struct {
	access     Access
	own, other http.RoundTripper
}

func (h hosts) RoundTrip(request *http.Request) (*http.Response, error) {
	if h.access.mayHave(request.URL) {
		return h.own.RoundTrip(request)
	}
	return h.other.RoundTrip(request)
}

// TLS reads the files with certificates.
func (access Access) TLS() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: access.Insecure, MinVersion: tls.VersionTLS12}
	if access.CertFile != "" && access.KeyFile != "" {
		certificate, err := tls.LoadX509KeyPair(access.CertFile, access.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate %s: %w", access.CertFile, err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	if access.CAFile != "" {
		text, err := os.ReadFile(access.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read CA certificates: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("no certificates in %s", access.CAFile)
		}
	}
	return config, nil
}

func newTransport(access Access, withCertificate bool) (*http.Transport, error) {
	if !withCertificate {
		access.CertFile, access.KeyFile = "", ""
	}
	config, err := access.TLS()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, DisableCompression: true, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: time.Minute, MaxResponseHeaderBytes: 1 << 20,
	}, nil
}

func isCertificateFault(err error) bool {
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &verification) || errors.As(err, &alert)
}

// Redacted gives a URL as it may be shown: without a password, and without its query.
func Redacted(text string) string { return redacted(text) }

// redacted gives a URL without a password and without its query, which may be one.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "a URL that cannot be parsed"
	}
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.Redacted()
}

// withoutSecrets takes credentials out of errors that name a URL.
func withoutSecrets(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s %q: %w", at.Op, redacted(at.URL), at.Err)
	}
	return err
}
