package repo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// VerifyRequire is the only word for [Rule.Verify].
const VerifyRequire = "require"

const maxTrust = 1 << 20 // bytes of the file

// Rule says what the charts of a repository or registry have to be.
type Rule struct {
	// Name is that of the repository in repositories.yaml, or one for the rule;
	// the rule counts for what comes through that repository, wherever its URL leads now.
	Name string `json:"name,omitempty"`
	// URL is that of the repository, or oci:// with a host and perhaps a path;
	// the rule counts for everything below it.
	URL string `json:"url"`
	// Verify is [VerifyRequire].
	Verify string `json:"verify"`
	// Keyring is a file with the public keys that count, relative ones beside the
	// file with the rules; empty is GnuPG's.
	Keyring string `json:"keyring,omitempty"`
	// Fingerprints are those of the keys of the keyring that count; none means all.
	Fingerprints []string `json:"fingerprints,omitempty"`
	// CurrentKey wants that the key is valid now as well.
	CurrentKey bool `json:"requireCurrentKey,omitempty"`
}

// Equal reports whether two rules say the same.
func (r Rule) Equal(o Rule) bool {
	return r.Name == o.Name && r.URL == o.URL && r.Verify == o.Verify && r.Keyring == o.Keyring &&
		slices.Equal(r.Fingerprints, o.Fingerprints) && r.CurrentKey == o.CurrentKey
}

// Trust is slipway's own file beside repositories.yaml: which repositories have
// only signed charts. Nil has no rules.
type Trust struct {
	Version int    `json:"version"`
	Rules   []Rule `json:"repositories"`

	folder string
}

// TrustFile is where the rules are: NAME.slipway.yaml for repositories in NAME.yaml.
func (h Home) TrustFile() string {
	return strings.TrimSuffix(h.Config, filepath.Ext(h.Config)) + ".slipway.yaml"
}

// LoadTrust reads the rules. A file that is not there has none; one that cannot
// be read as a whole is an error, since a rule that is not understood protects nobody.
func LoadTrust(path string) (*Trust, error) {
	t := &Trust{Version: 1, folder: filepath.Dir(path)}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil && info.Size() > maxTrust {
		err = fmt.Errorf("read %s: larger than %d bytes", path, maxTrust)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields, err := yaml.DecodeMap(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	t.Version = 0
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(t); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if t.Version != 1 {
		return nil, fmt.Errorf("read %s: version %d is not known here, only 1 is", path, t.Version)
	}
	for i, r := range t.Rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("read %s: repositories[%d]: %w", path, i, err)
		}
	}
	return t, nil
}

func (r Rule) check() error {
	_, err := siteOf(r.URL)
	switch {
	case r.Verify != VerifyRequire:
		return fmt.Errorf("verify is %q, and can only be %q", r.Verify, VerifyRequire)
	case err != nil:
		return err
	}
	return nil
}

// KeyringFile is the path of the keyring of a rule, empty for GnuPG's.
func (t *Trust) KeyringFile(r *Rule) string {
	if r.Keyring == "" || filepath.IsAbs(r.Keyring) {
		return r.Keyring
	}
	return filepath.Join(t.folder, r.Keyring)
}

// Put adds a rule or replaces the one of its name.
func (t *Trust) Put(r Rule) error {
	if err := r.check(); err != nil {
		return err
	}
	for i, old := range t.Rules {
		if old.Name == r.Name {
			t.Rules[i] = r
			return nil
		}
	}
	t.Rules = append(t.Rules, r)
	return nil
}

// Get finds the rule of a name; nil if there is none.
func (t *Trust) Get(name string) *Rule {
	if t == nil {
		return nil
	}
	for i := range t.Rules {
		if t.Rules[i].Name == name {
			return &t.Rules[i]
		}
	}
	return nil
}

// Remove takes a rule out, and reports whether it was there.
func (t *Trust) Remove(name string) bool {
	n := len(t.Rules)
	t.Rules = slices.DeleteFunc(t.Rules, func(r Rule) bool { return r.Name == name })
	return len(t.Rules) < n
}

// ChangeTrust reads the rules, lets change work on them and writes them, under a
// lock. If change gives an error nothing is written.
func ChangeTrust(path string, change func(*Trust) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	defer unlock()
	t, err := LoadTrust(path)
	if err != nil {
		return err
	}
	if err := change(t); err != nil {
		return err
	}
	if t.Rules == nil {
		t.Rules = []Rule{}
	}
	text, err := yaml.Append(nil, t)
	if err != nil {
		return err
	}
	return WriteFile(path, text, 0o600)
}

// Rule finds what holds for something that comes through the repository called
// name, or from or below one of the URLs; nil if nothing does. Of several rules
// the one for the name counts, then the one with the longest URL.
func (t *Trust) Rule(name string, urls ...string) *Rule {
	if t == nil {
		return nil
	}
	if name != "" {
		if r := t.Get(name); r != nil {
			return r
		}
	}
	var best *Rule
	longest := -1
	for i := range t.Rules {
		wanted, err := siteOf(t.Rules[i].URL)
		if err != nil {
			continue // check has seen it
		}
		for _, one := range urls {
			at, err := siteOf(one)
			if err == nil && at.below(wanted) && len(wanted.path) > longest {
				best, longest = &t.Rules[i], len(wanted.path)
			}
		}
	}
	return best
}

// site is a URL as it is compared: http is as good as https, and what stands
// before the host or behind the path is left out.
type site struct{ kind, host, path string }

func siteOf(text string) (site, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return site{}, fmt.Errorf("%q is no URL such as https://HOST/PATH or oci://HOST/PATH", redacted(text))
	}
	p := site{kind: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	if p.kind == "http" || p.kind == "https" {
		p.host = strings.TrimSuffix(strings.TrimSuffix(p.host, ":443"), ":80")
		p.kind = "http"
	}
	// Servers decode what is escaped, and more than once if they are behind others.
	decoded := u.Path
	for range 3 {
		again, err := url.PathUnescape(decoded)
		if err != nil || again == decoded {
			break
		}
		decoded = again
	}
	if p.path = path.Clean("/" + strings.ReplaceAll(decoded, `\`, "/")); p.path == "/" {
		p.path = ""
	}
	return p, nil
}

// below reports whether a site is another one or in it. Of registries the chart
// may be followed by a tag or a digest.
func (p site) below(o site) bool {
	if p.kind != o.kind || p.host != o.host || !strings.HasPrefix(p.path, o.path) {
		return false
	}
	rest := p.path[len(o.path):]
	return rest == "" || rest[0] == '/' || p.kind == "oci" && (rest[0] == ':' || rest[0] == '@')
}

// UnverifiedError says that a chart of a repository whose charts have to verify does not.
type UnverifiedError struct {
	Package string // the archive's name
	Rule    Rule
	Err     error
}

// Error names the repository and why.
func (e *UnverifiedError) Error() string {
	from := e.Rule.URL
	if e.Rule.Name != "" {
		from = e.Rule.Name
	}
	return fmt.Sprintf("%s: charts of %s have to verify: %v", e.Package, redactedName(from), e.Err)
}

// Unwrap gives the cause.
func (e *UnverifiedError) Unwrap() error { return e.Err }

func redactedName(text string) string {
	if strings.Contains(text, "://") {
		return redacted(text)
	}
	return text
}

// admit holds a package against the rules: those of where it comes from, and the
// one that the chart is under that wants it.
func (s *Source) admit(ctx context.Context, p *Package, inherited *Rule) error {
	p.rule = s.Trust.Rule(p.repository, p.URL, p.access.URL, p.asked)
	if p.rule == nil {
		p.rule = inherited
	}
	if p.rule == nil {
		return nil
	}
	err := errors.New("this program cannot verify")
	if s.Verify != nil {
		err = s.Verify(ctx, p, p.rule)
	}
	if err != nil {
		return &UnverifiedError{Package: p.Name, Rule: *p.rule, Err: err}
	}
	return nil
}
