package repo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Upload is a chart for a repository with ChartMuseum's routes.
type Upload struct {
	// ContextPath is the part of the repository's path that stands before /api.
	ContextPath string
	Name        string // NAME-VERSION.tgz
	Archive     []byte
	Provenance  []byte // nil if there is none
}

// Upload puts a chart into a repository, and its provenance file with it. A
// version that is there already is no error if it is the same archive; it gets the
// provenance file if it has none. If there was nothing to do, there is true. What
// fails in a way that may pass is tried again.
func (c *Client) Upload(ctx context.Context, access Access, u Upload) (there bool, err error) {
	err = c.send(ctx, access, u)
	var status *StatusError
	if !errors.As(err, &status) || status.Code != http.StatusConflict {
		return false, err
	}
	if err := c.same(ctx, access, u, err); err != nil {
		return true, err
	}
	if u.Provenance == nil {
		return true, nil
	}
	_, err = c.uploaded(ctx, access, u.Name+".prov", maxProvenance)
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return false, c.send(ctx, access, Upload{ContextPath: u.ContextPath, Name: u.Name, Provenance: u.Provenance})
	}
	return true, err
}

// send posts the files, again if that may help.
func (c *Client) send(ctx context.Context, access Access, u Upload) error {
	to, err := uploadURL(access.URL, u.ContextPath)
	if err != nil {
		return err
	}
	body, kind, err := u.form()
	if err != nil {
		return err
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	hc, done, err := httpClient(access)
	if err != nil {
		return err
	}
	defer done()
	pause := c.Pause
	if pause == 0 {
		pause = 500 * time.Millisecond
	}
	for n := 1; ; n++ {
		err := c.post(ctx, hc, access, to, kind, body)
		var status *StatusError
		if err == nil || errors.As(err, &status) && !status.Retryable() || n == attempts || ctx.Err() != nil || isCertificateFault(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// uploadURL is the API's URL for a repository.
func uploadURL(repository, contextPath string) (string, error) {
	u, err := url.Parse(repository)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("cannot upload to %s: it is no http or https URL", redacted(repository))
	}
	before := "/" + strings.Trim(contextPath, "/")
	if before == "/" {
		before = ""
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), before)
	if !ok || rest != "" && rest[0] != '/' {
		return "", fmt.Errorf("the path of %s does not begin with %s", redacted(repository), before)
	}
	u.Path, u.RawPath = before+"/api"+rest+"/charts", ""
	return u.String(), nil
}

func (u Upload) form() (body []byte, kind string, err error) {
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	for _, part := range []struct {
		field, name string
		data        []byte
	}{{"chart", u.Name, u.Archive}, {"prov", u.Name + ".prov", u.Provenance}} {
		if part.data == nil {
			continue
		}
		w, err := form.CreateFormFile(part.field, part.name)
		if err != nil {
			return nil, "", err
		}
		if _, err := w.Write(part.data); err != nil {
			return nil, "", err
		}
	}
	err = form.Close()
	return out.Bytes(), form.FormDataContentType(), err
}

func (c *Client) post(ctx context.Context, hc *http.Client, access Access, to, kind string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return withoutSecrets(err)
	}
	request.Header.Set("Content-Type", kind)
	if c.UserAgent != "" {
		request.Header.Set("User-Agent", c.UserAgent)
	}
	if access.Username != "" && access.Password != "" && access.mayHave(request.URL) {
		request.SetBasicAuth(access.Username, access.Password)
	}
	response, err := hc.Do(request)
	if err != nil {
		return &UnreachableError{withoutSecrets(err)}
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusCreated {
		return nil
	}
	why, _ := io.ReadAll(io.LimitReader(response.Body, 500))
	fault := &StatusError{URL: redacted(to), Status: response.Status, Code: response.StatusCode}
	return fmt.Errorf("upload: %w: %q", fault, bytes.TrimSpace(why))
}

// same finds out whether the version that is there is this archive.
func (c *Client) same(ctx context.Context, access Access, u Upload, conflict error) error {
	archive, err := c.uploaded(ctx, access, u.Name, MaxChart)
	if err != nil {
		return errors.Join(conflict, err)
	}
	want, got := sha256.Sum256(u.Archive), sha256.Sum256(archive)
	if want != got {
		return fmt.Errorf("%w: there is another archive of this version, sha256:%s", conflict, hex.EncodeToString(got[:]))
	}
	return nil
}

// uploaded gives a file that is there.
func (c *Client) uploaded(ctx context.Context, access Access, name string, most int64) ([]byte, error) {
	at, err := ResolveURL(access.URL, "charts/"+url.PathEscape(name))
	if err != nil {
		return nil, err
	}
	answer, err := c.Do(ctx, access, Download{URL: at, Max: most})
	if err != nil {
		return nil, err
	}
	return answer.Body, nil
}
