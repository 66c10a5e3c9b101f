// Package web sends single requests of HTTP, for measurements and
// notifications: bounded in time and size, staying on their host, and with
// errors that quote nothing of a URL but its host.
package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Request is what is asked of a server.
type Request struct {
	Method  string
	URL     *url.URL
	Headers map[string]string
	Body    string
	Token   string // bearer token, "" for none
	CA      []byte // certificates in PEM that are trusted instead of the system's; nil for those
	// Timeout and MaxBytes bound the whole exchange and the answer.
	Timeout  time.Duration
	MaxBytes int64
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
}

// maxRedirects are followed on the same host; none leads to another one.
const maxRedirects = 5

// ErrRequest is wrapped by errors about a request that would fail again.
var ErrRequest = errors.New("the request cannot be sent")

// Do sends a request and reads the answer.
func Do(ctx context.Context, r Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), strings.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", Host(r.URL), ErrRequest)
	}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	if r.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.Token)
	}
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	if r.CA != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(bytes.TrimSpace(r.CA)) {
			return nil, fmt.Errorf("ask %s: %w: its CA file has no certificate in PEM", Host(r.URL), ErrRequest)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	client := &http.Client{Transport: transport, CheckRedirect: stay}
	defer client.CloseIdleConnections()
	return send(client, req, r)
}

func send(client *http.Client, req *http.Request, r Request) (*Answer, error) {
	res, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the wrapper quotes the URL
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("there was no answer in time")
		}
		return nil, fmt.Errorf("ask %s: %w", Host(r.URL), err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, r.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("ask %s: the answer broke off: %w", Host(r.URL), err)
	}
	if int64(len(body)) > r.MaxBytes {
		return nil, fmt.Errorf("ask %s: the answer is longer than %d bytes", Host(r.URL), r.MaxBytes)
	}
	return &Answer{res.StatusCode, body}, nil
}

// stay follows redirects on the same host only: a request can carry credentials.
func stay(next *http.Request, before []*http.Request) error {
	first := before[0].URL
	if next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return fmt.Errorf("it redirects to %s, which is not followed: give that address itself", Host(next.URL))
	}
	if len(before) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

// ParseURL reads a URL of HTTP. Its error does not quote it.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("the address is not a URL that starts with http:// or https://")
	}
	return u, nil
}

// ParseToken reads the text of a file that holds a token. Its error does not quote it.
func ParseToken(data []byte) (string, error) {
	text := strings.TrimSpace(string(data))
	if text == "" || strings.ContainsAny(text, "\r\n") {
		return "", errors.New("it does not have one line with a token")
	}
	return text, nil
}

// Host is what may be shown of a URL.
func Host(u *url.URL) string { return u.Scheme + "://" + u.Host }
