package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/internal/web"
)

// Config says who is told. Files are read each time they are needed.
type Config struct {
	Targets []Target
	// Commit is that of commit statuses whose target has none, such as the one
	// that a pipeline runs for.
	Commit string
	// ReadFile reads files with credentials; it is required if a target names one.
	ReadFile func(name string) ([]byte, error)
}

// Target is one of those who are told: exactly one of its pointers is set.
type Target struct {
	// Events are those that it is told of; empty: all. OpenMetrics is told of every change.
	Events       []Event       `json:"events,omitempty"`
	Webhook      *Webhook      `json:"webhook,omitempty"`
	Slack        *Slack        `json:"slack,omitempty"`
	CommitStatus *CommitStatus `json:"commitStatus,omitempty"`
	OpenMetrics  *OpenMetrics  `json:"openMetrics,omitempty"`
}

type (
	// Webhook is posted a Message as JSON. With a key file, the header
	// X-Slipway-Signature has the HMAC-SHA256 of the body.
	Webhook struct {
		URL       string `json:"url"`
		KeyFile   string `json:"keyFile,omitempty"`
		TokenFile string `json:"tokenFile,omitempty"`
		CAFile    string `json:"caFile,omitempty"`
	}
	// Slack is an incoming webhook of Slack, Mattermost and the like. Its URL is
	// a credential, so a file has it.
	Slack struct {
		URLFile string `json:"urlFile"`
		CAFile  string `json:"caFile,omitempty"`
	}
	// CommitStatus sets the status of a commit.
	CommitStatus struct {
		Provider  string `json:"provider"`            // github or gitlab
		BaseURL   string `json:"baseURL,omitempty"`   // of the API; "" is that of github.com or gitlab.com
		Project   string `json:"project"`             // owner/name, or GitLab's path or number
		Commit    string `json:"commit,omitempty"`    // its hash; "" is Config's
		Context   string `json:"context,omitempty"`   // name of the status; "" is slipway/NAMESPACE/RELEASE
		TargetURL string `json:"targetURL,omitempty"` // that the status links to; "" is the starter's build
		TokenFile string `json:"tokenFile"`
		CAFile    string `json:"caFile,omitempty"`
	}
	// OpenMetrics writes a file for node_exporter's textfile collector, named
	// after namespace and release, or puts the metrics to a Pushgateway.
	OpenMetrics struct {
		Directory   string `json:"directory,omitempty"`
		Pushgateway string `json:"pushgateway,omitempty"` // URL
		TokenFile   string `json:"tokenFile,omitempty"`
		CAFile      string `json:"caFile,omitempty"`
	}
)

// The providers of commit statuses.
const (
	github = "github"
	gitlab = "gitlab"
)

// ParseTargets reads a list of targets in JSON strictly: unknown fields are errors.
func ParseTargets(data []byte) ([]Target, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var targets []Target
	if err := decoder.Decode(&targets); err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read notifications: there is something after the list")
	}
	for i, t := range targets {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("notifications[%d]: %w", i, err)
		}
	}
	return targets, nil
}

func (t Target) check() error {
	for _, e := range t.Events {
		if !slices.Contains(Events(), e) {
			return fmt.Errorf("events: %q is none", e)
		}
	}
	set := 0
	for _, has := range []bool{t.Webhook != nil, t.Slack != nil, t.CommitStatus != nil, t.OpenMetrics != nil} {
		if has {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("it has %d of webhook, slack, commitStatus and openMetrics, and needs one", set)
	case t.Webhook != nil:
		return checkURL("webhook: url", t.Webhook.URL)
	case t.Slack != nil && t.Slack.URLFile == "":
		return errors.New("slack: urlFile is missing: the URL is a credential, so a file has it")
	case t.CommitStatus != nil:
		return t.CommitStatus.check()
	case t.OpenMetrics != nil:
		return t.OpenMetrics.check()
	}
	return nil
}

func (c *CommitStatus) check() error {
	switch {
	case c.Provider != github && c.Provider != gitlab:
		return errors.New("commitStatus: provider is not github or gitlab")
	case c.TokenFile == "":
		return errors.New("commitStatus: tokenFile is missing")
	case c.Project == "" || (c.Provider == github && !isOwnerAndName(c.Project)):
		return errors.New("commitStatus: project is not owner/name")
	case c.Commit != "" && !isHash(c.Commit):
		return errors.New("commitStatus: commit is not the whole hash of a commit")
	case c.BaseURL == "":
		return nil
	}
	return checkURL("commitStatus: baseURL", c.BaseURL)
}

func (o *OpenMetrics) check() error {
	if (o.Directory == "") == (o.Pushgateway == "") {
		return errors.New("openMetrics: it needs either directory or pushgateway")
	}
	if o.Pushgateway == "" {
		return nil
	}
	return checkURL("openMetrics: pushgateway", o.Pushgateway)
}

// checkURL refuses what is no URL, and a URL with credentials.
func checkURL(field, text string) error {
	u, err := web.ParseURL(text)
	if err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	if u.User != nil {
		return fmt.Errorf("%s: it has a user: put a token in a file that tokenFile names", field)
	}
	return nil
}

func isOwnerAndName(project string) bool {
	owner, name, ok := strings.Cut(project, "/")
	return ok && owner != "" && name != "" && !strings.ContainsAny(project, "?#% ") && !strings.Contains(name, "/")
}

// isHash reports whether a text is a commit's hash, SHA-1 or SHA-256.
func isHash(text string) bool {
	return (len(text) == 40 || len(text) == 64) && strings.Trim(text, "0123456789abcdef") == ""
}
