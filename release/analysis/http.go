package analysis

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is what is asked of a server.
type request struct {
	method, url       string
	headers           map[string]string
	body              string
	tokenFile, caFile string
}

// answer is what came back.
type answer struct {
	status int
	body   []byte
}

// maxRedirects are followed on the same host; none leads to another one.
const maxRedirects = 5

// ask sends a request. What is secret in its URL, and the token, are added to
// hidden first; errors do not quote the URL beyond its host.
func (s *Sampler) ask(ctx context.Context, r request, hidden *secrets) (*answer, error) {
	target, err := parseURL(r.url)
	if err != nil {
		return nil, err
	}
	hideURL(target, hidden)
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, target.String(), strings.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: the request is not valid", host(target))
	}
	for name, value := range r.headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	if r.tokenFile != "" {
		token, err := s.readFile("tokenFile", r.tokenFile)
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(token))
		if text == "" || strings.ContainsAny(text, "\r\n") {
			return nil, fmt.Errorf("tokenFile %s does not have one line with a token", r.tokenFile)
		}
		hidden.add(text)
		req.Header.Set("Authorization", "Bearer "+text)
	}
	client, err := s.client(r.caFile)
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	return s.send(client, req, target)
}

func (s *Sampler) send(client *http.Client, req *http.Request, target *url.URL) (*answer, error) {
	res, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the wrapper quotes the URL
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("there was no answer in time")
		}
		return nil, fmt.Errorf("ask %s: %w", host(target), err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, s.options.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("ask %s: the answer broke off: %w", host(target), err)
	}
	if int64(len(body)) > s.options.MaxBytes {
		return nil, fmt.Errorf("ask %s: the answer is longer than %d bytes", host(target), s.options.MaxBytes)
	}
	return &answer{res.StatusCode, body}, nil
}

// client makes a client that trusts a CA file, or the system's authorities.
func (s *Sampler) client(caFile string) (*http.Client, error) {
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	if caFile != "" {
		data, err := s.readFile("caFile", caFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(bytes.TrimSpace(data)) {
			return nil, fmt.Errorf("caFile %s has no certificate in PEM", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport, CheckRedirect: stay}, nil
}

// stay follows redirects on the same host only: a request can carry credentials.
func stay(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return fmt.Errorf("it redirects to %s, which is not followed: give that address itself", host(next.URL))
	}
	if len(before) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

func (s *Sampler) readFile(field, name string) ([]byte, error) {
	if s.options.ReadFile == nil {
		return nil, fmt.Errorf("%s %s cannot be read: there are no files here", field, name)
	}
	data, err := s.options.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", field, err)
	}
	return data, nil
}

// parseURL reads a URL of HTTP. Its error does not quote it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the address is not a URL that starts with http:// or https://")
	}
	return u, nil
}

// host is what may be shown of a URL.
func host(u *url.URL) string { return u.Scheme + "://" + u.Host }

// hideURL makes what is secret in a URL so.
func hideURL(u *url.URL, hidden *secrets) {
	if u.User != nil {
		password, _ := u.User.Password()
		hidden.add(u.User.String(), u.User.Username(), password)
		hidden.add(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
	}
	for _, values := range u.Query() {
		hidden.add(values...)
	}
}
