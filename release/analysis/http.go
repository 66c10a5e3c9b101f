package analysis

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/internal/web"
)

// request is what is asked of a server.
type request struct {
	method, url       string
	headers           map[string]string
	body              string
	tokenFile, caFile string
}

// ask sends a request. What is secret in its URL, and the token, are added to
// hidden first; errors do not quote the URL beyond its host.
func (s *Sampler) ask(ctx context.Context, r request, hidden *mask.Secrets) (*web.Answer, error) {
	target, err := web.ParseURL(r.url)
	if err != nil {
		return nil, err
	}
	hideURL(target, hidden)
	asked := web.Request{
		Method: r.method, URL: target, Headers: r.headers, Body: r.body,
		Timeout: s.options.Timeout, MaxBytes: s.options.MaxBytes,
	}
	if r.tokenFile != "" {
		data, err := s.readFile("tokenFile", r.tokenFile)
		if err != nil {
			return nil, err
		}
		if asked.Token, err = web.ParseToken(data); err != nil {
			return nil, fmt.Errorf("tokenFile %s: %w", r.tokenFile, err)
		}
		hidden.Add(asked.Token)
	}
	if r.caFile != "" {
		if asked.CA, err = s.readFile("caFile", r.caFile); err != nil {
			return nil, err
		}
	}
	return web.Do(ctx, asked)
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

// hideURL makes what is secret in a URL so.
func hideURL(u *url.URL, hidden *mask.Secrets) {
	if u.User != nil {
		password, _ := u.User.Password()
		hidden.Add(u.User.String(), u.User.Username(), password)
		hidden.Add(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
	}
	for _, values := range u.Query() {
		hidden.Add(values...)
	}
}
