package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// freshness, in a file beside a cached index, says which answer of the server it
// is, so that the next one may be "not modified".
type freshness struct {
	URL          string `json:"url"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	Size         int64  `json:"size"`   // of the index
	CRC32C       uint32 `json:"crc32c"` // of the index: several may be written within one tick of the file system's clock
}

func freshnessFile(index string) string { return index + ".http" }

// Update downloads the index of a repository into the cache, if it has changed.
// It is read as a whole before it replaces the old one. The result are the
// entries that were left out of it (nil if nothing has changed).
func (h Home) Update(ctx context.Context, c *Client, e *Entry) (skipped []string, err error) {
	if err := CheckName(e.Name); err != nil {
		return nil, err
	}
	from, err := ResolveURL(e.URL, "index.yaml")
	if err != nil {
		return nil, err
	}
	index := h.IndexFile(e.Name)
	d := Download{URL: from, Max: DefaultMaxIndex, Gzip: true}
	d.ETag, d.LastModified = readFreshness(index, redacted(from))
	answer, err := c.Do(ctx, e.Access(), d)
	if err != nil || answer.NotModified {
		return nil, err
	}
	x, err := ParseIndex(answer.Body)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(h.Cache, 0o755); err != nil {
		return nil, err
	}
	names := strings.Join(slices.Sorted(maps.Keys(x.Entries)), "\n") + "\n"
	if err := WriteFile(h.ChartsFile(e.Name), []byte(names), 0o644); err != nil {
		return nil, err
	}
	if err := WriteFile(index, answer.Body, 0o644); err != nil {
		return nil, err
	}
	writeFreshness(index, freshness{
		URL: redacted(from), ETag: answer.ETag, LastModified: answer.LastModified,
		Size: int64(len(answer.Body)), CRC32C: crc32.Checksum(answer.Body, castagnoli()),
	})
	return x.Skipped, nil
}

// readFreshness gives the marks of the cached index, none if it is not the one
// that came from the URL.
func readFreshness(index, from string) (etag, modified string) {
	data, err := os.ReadFile(freshnessFile(index))
	if err != nil || len(data) > 64<<10 {
		return "", ""
	}
	var f freshness
	info, err := os.Stat(index)
	if err != nil || json.Unmarshal(data, &f) != nil || f.URL != from || f.Size != info.Size() {
		return "", ""
	}
	if sum, err := checksum(index); err != nil || sum != f.CRC32C {
		return "", ""
	}
	return f.ETag, f.LastModified
}

func checksum(path string) (uint32, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	sum := crc32.New(castagnoli())
	_, err = io.Copy(sum, file)
	return sum.Sum32(), err
}

// writeFreshness is best effort: without it the next update is a full one.
func writeFreshness(index string, f freshness) {
	if f.ETag == "" && f.LastModified == "" {
		_ = os.Remove(freshnessFile(index))
		return
	}
	if data, err := json.Marshal(f); err == nil {
		_ = WriteFile(freshnessFile(index), data, 0o644)
	}
}

// Forget removes what is cached of a repository's index.
func (h Home) Forget(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	index := h.IndexFile(name)
	for _, path := range []string{h.ChartsFile(name), freshnessFile(index), placesFile(index), index} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("can't remove index file %s: %w", path, err)
		}
	}
	return nil
}

// ResolveURL makes a reference in an index absolute: relative ones are below the
// repository's URL, whose query they get.
//
// #DIFFERS: Helm gives the query, which may be a password, to a //HOST/PATH too.
func ResolveURL(base, reference string) (string, error) {
	ref, err := url.Parse(reference)
	if err != nil {
		return "", fmt.Errorf("%q is no URL", redacted(reference))
	}
	if ref.IsAbs() {
		return reference, nil
	}
	at, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("%q is no URL", redacted(base))
	}
	at.RawPath = strings.TrimSuffix(at.RawPath, "/") + "/"
	at.Path = strings.TrimSuffix(at.Path, "/") + "/"
	resolved := at.ResolveReference(ref)
	if ref.Host == "" {
		resolved.RawQuery = at.RawQuery
	}
	return resolved.String(), nil
}
