package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// Home is where Helm keeps what it knows of repositories.
type Home struct {
	Config string // repositories.yaml
	Cache  string // the folder of indexes and charts
}

// IndexFile is the cached index of a repository.
func (h Home) IndexFile(name string) string { return filepath.Join(h.Cache, name+"-index.yaml") }

// ChartsFile lists the names of a repository's charts, for completion.
func (h Home) ChartsFile(name string) string { return filepath.Join(h.Cache, name+"-charts.txt") }

// Entry is a repository in repositories.yaml.
type Entry struct {
	Name                  string `json:"name"`
	URL                   string `json:"url"`
	Username              string `json:"username"`
	Password              string `json:"password"`
	CertFile              string `json:"certFile"`
	KeyFile               string `json:"keyFile"`
	CAFile                string `json:"caFile"`
	InsecureSkipTLSVerify bool   `json:"insecure_skip_tls_verify"`
	PassCredentialsAll    bool   `json:"pass_credentials_all"`
}

// CheckName refuses names that are no part of a file's name.
func CheckName(name string) error {
	switch {
	case strings.Contains(name, "/"):
		return fmt.Errorf("repository name (%s) contains '/', please specify a different name without '/'", name)
	case name == "", name == ".", name == "..", strings.ContainsAny(name, "\\\x00"), name != filepath.Base(name):
		return fmt.Errorf("repository name %q cannot be part of a file name", name)
	}
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			return fmt.Errorf("repository name %q has control characters", name)
		}
	}
	return nil
}

// Config is the content of repositories.yaml. What it has beside the fields of
// [Entry] is kept.
type Config struct {
	Entries []*Entry

	top  map[string]any
	more map[*Entry]map[string]any
}

// LoadConfig reads repositories.yaml. A file that is not there is an empty one
// with an error that wraps fs.ErrNotExist.
func LoadConfig(path string) (*Config, error) {
	c := &Config{top: map[string]any{"apiVersion": "", "generated": "0001-01-01T00:00:00Z"}, more: map[*Entry]map[string]any{}}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("couldn't load repositories file (%s): %w", path, err)
	}
	top, err := yaml.DecodeMap(data)
	if err != nil {
		return c, fmt.Errorf("read %s: %w", path, err)
	}
	maps.Copy(c.top, top)
	list, isList := top["repositories"].([]any)
	if top["repositories"] != nil && !isList {
		return c, fmt.Errorf("read %s: repositories is no list", path)
	}
	for _, item := range list {
		fields, ok := item.(map[string]any)
		if !ok {
			continue // as Helm: null
		}
		text, err := yaml.Append(nil, fields)
		if err != nil {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		e := &Entry{}
		if err := yaml.Unmarshal(text, e); err != nil {
			return c, fmt.Errorf("read %s: %w", path, err)
		}
		c.Entries = append(c.Entries, e)
		c.more[e] = fields
	}
	return c, nil
}

// Get finds a repository by its name; nil if there is none.
func (c *Config) Get(name string) *Entry {
	for _, e := range c.Entries {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Put adds a repository or replaces the one of its name.
func (c *Config) Put(e *Entry) {
	for i, old := range c.Entries {
		if old.Name == e.Name {
			c.Entries[i], c.more[e] = e, c.more[old]
			return
		}
	}
	c.Entries = append(c.Entries, e)
}

// Remove takes a repository out, and reports whether it was there.
func (c *Config) Remove(name string) bool {
	n := len(c.Entries)
	c.Entries = slices.DeleteFunc(c.Entries, func(e *Entry) bool { return e.Name == name })
	return len(c.Entries) < n
}

// WriteFile writes repositories.yaml, which has passwords, for its owner alone.
func (c *Config) WriteFile(path string) error {
	list := make([]any, len(c.Entries))
	for i, e := range c.Entries {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		known := map[string]any{}
		if err := json.Unmarshal(text, &known); err != nil {
			return err
		}
		all := map[string]any{}
		maps.Copy(all, c.more[e])
		maps.Copy(all, known)
		list[i] = all
	}
	top := maps.Clone(c.top)
	top["repositories"] = list
	text, err := yaml.Append(nil, top)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil { // people keep it elsewhere, behind a link
		path = real
	}
	return WriteFile(path, text, 0o600)
}

// ChangeConfig reads repositories.yaml, lets change work on it and writes it,
// under the lock that Helm takes. If change gives an error nothing is written.
func ChangeConfig(path string, change func(*Config) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	lock := path + ".lock"
	if ext := filepath.Ext(path); ext != "" && len(ext) < len(path) {
		lock = strings.TrimSuffix(path, ext) + ".lock"
	}
	unlock, err := lockFile(lock)
	if err != nil {
		return fmt.Errorf("lock %s: %w", lock, err)
	}
	defer unlock()
	c, err := LoadConfig(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	return c.WriteFile(path)
}
