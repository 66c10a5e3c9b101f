package repo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Downloader fetches a URL, up to a number of bytes.
type Downloader func(ctx context.Context, access Access, url string, most int64) ([]byte, error)

// other finds what fetches a URL, nil for http and https.
func (c *Client) other(text string) (Downloader, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("a URL that cannot be parsed")
	case u.Scheme == "http" || u.Scheme == "https":
		return nil, nil
	case c.Other == nil || IsOCI(text):
		return nil, fmt.Errorf("cannot fetch %s: only http, https and oci are known", redacted(text))
	}
	d, err := c.Other(u.Scheme)
	if err == nil && d == nil {
		err = fmt.Errorf("cannot fetch %s: scheme %q not supported: http, https and oci are known, and there is no plugin for it", redacted(text), u.Scheme)
	}
	return d, err
}

// fetchOther fetches by other schemes.
func (c *Client) fetchOther(ctx context.Context, download Downloader, access Access, d Download) (*Answer, error) {
	if u, err := url.Parse(d.URL); err != nil || !access.mayHave(u) {
		access.Username, access.Password = "", ""
		access.CertFile, access.KeyFile = "", ""
	}
	body, err := download(ctx, access, d.URL, d.Max)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", redacted(d.URL), err)
	}
	return &Answer{Body: body}, nil
}
