package cli

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
)

// newSchemaLoader reads the documents that a values.schema.json refers to:
// files, http and https. A urn cannot be fetched; as in Helm it is taken for a
// schema that allows everything, with a warning.
func newSchemaLoader(ctx context.Context, a *app) func(string) ([]byte, error) {
	return func(location string) ([]byte, error) {
		u, err := url.Parse(location)
		if err != nil {
			return nil, err
		}
		switch u.Scheme {
		case "http", "https":
			return fetch(ctx, location)
		case "urn":
			a.warnf("WARNING: URN reference ignored. urn: %s", location)
			return []byte("true"), nil
		case "file", "":
			return readFile(filepath.FromSlash(filePath(u.Path)))
		}
		return nil, fmt.Errorf("no URL loader for %q", location)
	}
}

// filePath takes the slash off that stands before a drive letter in a file URL.
func filePath(p string) string {
	if len(p) > 2 && p[0] == '/' && p[2] == ':' {
		return p[1:]
	}
	return p
}
