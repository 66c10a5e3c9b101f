package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine"
)

const (
	// maxInput bounds a file, standard input or download that is read as values or schema, in bytes.
	maxInput = 256 << 20
	// fetchTimeout bounds one download.
	fetchTimeout = 15 * time.Second
)

// mergeValues reads what the flags about values name.
func (a *app) mergeValues(ctx context.Context, o *values.Options, compat engine.Compat) (*values.Merged, error) {
	merged, err := o.Merge(values.Source{
		ReadFile: func(name string) ([]byte, error) { return a.readValuesFile(ctx, name) },
		Stdin:    &stdin{ctx: ctx, from: a.env.Stdin},
		Fetch:    func(url string) ([]byte, error) { return fetch(ctx, url) },
		Dialect:  values.Dialect(compat),
	})
	var file *values.FileError
	if errors.As(err, &file) && file.Line > 0 {
		return nil, &failure{err: err, details: fmt.Sprintf("  at %s:%d\n", file.File, file.Line)}
	}
	return merged, err
}

// stdin is standard input, read at once when it is first needed. Unlike the
// stream itself it gives up when the context ends.
type stdin struct {
	ctx  context.Context
	from io.Reader
	text *bytes.Reader
}

func (s *stdin) Read(p []byte) (int, error) {
	if s.text != nil {
		return s.text.Read(p)
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := readLimited(s.from, "standard input")
		done <- result{data, err}
	}()
	select {
	case <-s.ctx.Done():
		return 0, context.Cause(s.ctx)
	case r := <-done:
		if r.err != nil {
			return 0, r.err
		}
		s.text = bytes.NewReader(r.data)
		return s.text.Read(p)
	}
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, name)
}

func readLimited(r io.Reader, name string) ([]byte, error) {
	var buf bytes.Buffer
	_, err := buf.ReadFrom(io.LimitReader(r, maxInput+1))
	if err == nil && buf.Len() > maxInput {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxInput)
	}
	return buf.Bytes(), err
}

// fetch downloads a document by http or https.
func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("HTTP request failed for %s: %w", url, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("failed to fetch %s : %s", url, response.Status)
	}
	return readLimited(response.Body, url)
}
