package notify

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/e6d26078/slipway/release/internal/web"
)

// SignatureHeader has "sha256=" and the hexadecimal HMAC-SHA256 of the body.
const SignatureHeader = "X-Slipway-Signature"

// withBody adds a body in JSON.
func withBody(r web.Request, body any) (web.Request, error) {
	data, err := json.Marshal(body)
	r.Body, r.Headers["Content-Type"] = string(data), "application/json"
	return r, err
}

func (n *Notifier) webhook(w *Webhook, m Message) (web.Request, error) {
	r, err := n.request(http.MethodPost, w.URL, w.CAFile)
	if err != nil {
		return r, err
	}
	if r.Token, err = n.token(w.TokenFile); err != nil {
		return r, err
	}
	if r, err = withBody(r, m); err != nil || w.KeyFile == "" {
		return r, err
	}
	key, err := n.read(w.KeyFile)
	if err != nil {
		return r, err
	}
	if key = bytes.TrimSpace(key); len(key) == 0 {
		return r, fmt.Errorf("file %s: it has no key", w.KeyFile)
	}
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte(r.Body))
	r.Headers[SignatureHeader] = "sha256=" + hex.EncodeToString(sum.Sum(nil))
	return r, nil
}

func (n *Notifier) slack(s *Slack, m Message) (web.Request, error) {
	address, err := n.token(s.URLFile)
	if err != nil {
		return web.Request{}, err
	}
	r, err := n.request(http.MethodPost, address, s.CAFile)
	if err != nil {
		return r, fmt.Errorf("file %s: %w", s.URLFile, err)
	}
	return withBody(r, map[string]string{"text": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(m.Text)})
}

// descriptionLimit is how long GitHub lets a description be, in bytes at the least.
const descriptionLimit = 140

func (n *Notifier) commitStatus(c *CommitStatus, m Message) (web.Request, error) {
	commit := cmp.Or(c.Commit, n.config.Commit)
	name := cmp.Or(c.Context, "slipway/"+m.Namespace+"/"+m.Release)
	description := strings.ToValidUTF8(m.Text[:min(len(m.Text), descriptionLimit)], "")
	body := map[string]string{"state": status(c.Provider, m), "description": description}
	if link := cmp.Or(c.TargetURL, m.Starter.Build); link != "" {
		body["target_url"] = link
	}
	token, err := n.token(c.TokenFile)
	if err != nil {
		return web.Request{}, err
	}
	if c.Provider == gitlab {
		base := strings.TrimSuffix(cmp.Or(c.BaseURL, "https://gitlab.com/api/v4"), "/")
		r, err := n.request(http.MethodPost, base+"/projects/"+url.PathEscape(c.Project)+"/statuses/"+commit, c.CAFile)
		if err != nil {
			return r, err
		}
		r.Headers["Private-Token"], body["name"] = token, name
		return withBody(r, body)
	}
	base := strings.TrimSuffix(cmp.Or(c.BaseURL, "https://api.github.com"), "/")
	r, err := n.request(http.MethodPost, base+"/repos/"+c.Project+"/statuses/"+commit, c.CAFile)
	if err != nil {
		return r, err
	}
	r.Token, r.Headers["Accept"], body["context"] = token, "application/vnd.github+json", name
	return withBody(r, body)
}

// status is how a provider calls the state of a rollout.
func status(provider string, m Message) string {
	hub, lab := "pending", "running"
	switch m.Event {
	case Started, Waiting, Inconclusive:
		lab = "pending"
	case Done:
		hub, lab = "success", "success"
	case Failed, Stuck:
		hub, lab = "failure", "failed"
	case Aborting, Aborted:
		hub, lab = "failure", "canceled"
		if m.Failure != "" {
			lab = "failed"
		}
	}
	if provider == gitlab {
		return lab
	}
	return hub
}

// sameStatus recognises GitLab's answer to a status that the commit has already.
func sameStatus(a *web.Answer) bool {
	return a.Status == http.StatusBadRequest && bytes.Contains(a.Body, []byte("Cannot transition status"))
}
