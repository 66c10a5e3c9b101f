package policy

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	yamlv3 "go.yaml.in/yaml/v3"

	"github.com/e6d26078/slipway/chart/yaml"
)

// APIVersion is that of the files that ParseConfig reads.
const APIVersion = "slipway.dev/policy/v1"

// maxConfig bounds a configuration, in bytes.
const maxConfig = 1 << 20

// Config says how severe findings are and which are known and accepted. The
// zero value warns of everything.
type Config struct {
	// Severities are those of the built-in checks that are not Warn.
	Severities map[string]Severity
	Exceptions []Exception
}

// Exception is a finding that somebody has accepted.
type Exception struct {
	Check     string // a name, or a pattern with * and ?
	Object    string // KIND/NAME, each may be a pattern; "" for any
	Namespace string // may be a pattern; "" for any
	Reason    string // why it is accepted; never ""
	Until     string // the last day that it holds, as 2006-01-02; "" for always

	expired bool
}

func (e *Exception) object() string {
	if e.Object == "" {
		return "all objects"
	}
	return e.Object
}

// SeverityOf is the severity of a built-in check.
func (c *Config) SeverityOf(check string) Severity {
	if s, ok := c.Severities[check]; ok {
		return s
	}
	return Warn
}

// ParseConfig reads a policy.yaml, whose form docs/schema/policy.v1.json has.
// The name is for errors, which name the line. now decides which exceptions
// have ended.
func ParseConfig(data []byte, name string, now time.Time) (*Config, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxConfig)
	}
	p := &configParser{name: name, now: now, config: &Config{Severities: map[string]Severity{}}}
	var doc yamlv3.Node
	if err := yamlv3.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := yaml.CheckSingle(name, data); err != nil {
		return nil, err
	}
	if doc.Kind == 0 {
		return nil, fmt.Errorf("%s is empty: it has to begin with apiVersion: %s", name, APIVersion)
	}
	if err := p.root(doc.Content[0]); err != nil {
		return nil, err
	}
	return p.config, nil
}

// configParser reads node by node, so that errors have lines.
type configParser struct {
	name   string
	now    time.Time
	config *Config
}

func (p *configParser) errorf(n *yamlv3.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", p.name, n.Line, fmt.Sprintf(format, args...))
}

// each hands the values of a mapping to functions by key.
func (p *configParser) each(n *yamlv3.Node, what string, keys map[string]func(*yamlv3.Node) error) error {
	if n.Kind != yamlv3.MappingNode {
		return p.errorf(n, "%s has to be a mapping", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		read, known := keys[key.Value]
		if !known {
			return p.errorf(key, "%s: %q is not known; allowed are %s", what, key.Value, strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
		}
		if seen[key.Value] {
			return p.errorf(key, "%s: %q stands twice", what, key.Value)
		}
		seen[key.Value] = true
		if err := read(n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (p *configParser) root(n *yamlv3.Node) error {
	version := ""
	err := p.each(n, p.name, map[string]func(*yamlv3.Node) error{
		"apiVersion": func(v *yamlv3.Node) error {
			if version = v.Value; version != APIVersion {
				return p.errorf(v, "apiVersion %q is not known; it has to be %s", version, APIVersion)
			}
			return nil
		},
		"checks":     p.checks,
		"exceptions": p.exceptions,
	})
	if err == nil && version == "" {
		return p.errorf(n, "apiVersion is missing; it has to be %s", APIVersion)
	}
	return err
}

// checks reads severities: check: deny, or "*": deny for all that are not named.
func (p *configParser) checks(n *yamlv3.Node) error {
	all := Severity("")
	keys := map[string]func(*yamlv3.Node) error{"*": func(v *yamlv3.Node) (err error) {
		all, err = p.severity(v)
		return err
	}}
	for _, b := range builtins() {
		keys[b.Name] = func(v *yamlv3.Node) (err error) {
			p.config.Severities[b.Name], err = p.severity(v)
			return err
		}
	}
	if err := p.each(n, "checks", keys); err != nil || all == "" {
		return err
	}
	for _, b := range builtins() {
		if _, named := p.config.Severities[b.Name]; !named {
			p.config.Severities[b.Name] = all
		}
	}
	return nil
}

func (p *configParser) severity(n *yamlv3.Node) (Severity, error) {
	switch s := Severity(n.Value); s {
	case Off, Warn, Deny:
		return s, nil
	}
	return "", p.errorf(n, "severity %q is not known; allowed are off, warn and deny", n.Value)
}

func (p *configParser) exceptions(n *yamlv3.Node) error {
	if n.Kind != yamlv3.SequenceNode {
		return p.errorf(n, "exceptions has to be a list")
	}
	for _, item := range n.Content {
		var e Exception
		text := func(to *string) func(*yamlv3.Node) error {
			return func(v *yamlv3.Node) error {
				if v.Kind != yamlv3.ScalarNode || v.Value == "" {
					return p.errorf(v, "exceptions: a text is needed here")
				}
				*to = v.Value
				return nil
			}
		}
		pattern := func(to *string) func(*yamlv3.Node) error {
			return func(v *yamlv3.Node) error {
				if _, err := path.Match(v.Value, ""); err != nil {
					return p.errorf(v, "exceptions: %q is no pattern: %v", v.Value, err)
				}
				return text(to)(v)
			}
		}
		err := p.each(item, "exceptions", map[string]func(*yamlv3.Node) error{
			"check": pattern(&e.Check), "object": pattern(&e.Object), "namespace": pattern(&e.Namespace),
			"reason": text(&e.Reason), "until": p.until(&e),
		})
		switch {
		case err != nil:
			return err
		case e.Check == "":
			return p.errorf(item, "exceptions: check is missing: the name of a check, or a pattern")
		case e.Reason == "":
			return p.errorf(item, "exceptions: reason is missing: say why this is accepted")
		case e.Object != "" && !strings.Contains(e.Object, "/"):
			return p.errorf(item, "exceptions: object %q has to be KIND/NAME, such as Deployment/web", e.Object)
		}
		p.config.Exceptions = append(p.config.Exceptions, e)
	}
	return nil
}

func (p *configParser) until(e *Exception) func(*yamlv3.Node) error {
	return func(v *yamlv3.Node) error {
		day, err := time.Parse(time.DateOnly, v.Value)
		if err != nil {
			return p.errorf(v, "exceptions: until %q is no day such as 2027-01-31", v.Value)
		}
		e.Until, e.expired = v.Value, !p.now.Before(day.AddDate(0, 0, 1))
		return nil
	}
}

// except marks the findings that an exception holds for. Objects that name no
// namespace are in that of the release: mostly nobody has asked a cluster.
func (c *Config) except(findings []Finding, namespace string) {
	for i := range findings {
		f := &findings[i]
		for j := range c.Exceptions {
			if e := &c.Exceptions[j]; !e.expired && e.holds(f, cmp.Or(f.Ref.Namespace, namespace)) {
				f.Exception = e.Reason
				break
			}
		}
	}
}

// holds reports whether an exception is about a finding in a namespace.
func (e *Exception) holds(f *Finding, namespace string) bool {
	fits := func(pattern, text string) bool {
		ok, err := path.Match(pattern, text)
		return pattern == "" || err == nil && ok
	}
	// Names of policies have a slash, which * does not match.
	check := strings.ReplaceAll(f.Check, "/", ":")
	if !fits(strings.ReplaceAll(e.Check, "/", ":"), check) || !fits(e.Namespace, namespace) {
		return false
	}
	kind, name, _ := strings.Cut(e.Object, "/")
	return e.Object == "" || fits(kind, f.Ref.Kind) && fits(name, f.Ref.Name)
}
