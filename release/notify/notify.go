package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/e6d26078/slipway/release/internal/web"
	"github.com/e6d26078/slipway/release/rollout"
)

const (
	longest  = 10 * time.Second // of all that is done about one change
	oneTry   = 4 * time.Second
	tries    = 4
	maxBytes = 64 << 10
)

// Notifier tells those whom a Config names. It is safe for concurrent use.
type Notifier struct{ config Config }

// New makes a Notifier, or says what is wrong with the config.
func New(config Config) (*Notifier, error) {
	for i, t := range config.Targets {
		err := t.check()
		if err == nil && t.CommitStatus != nil && t.CommitStatus.Commit == "" && !isHash(config.Commit) {
			err = errors.New("commitStatus: it has no commit, and none was given: name its whole hash")
		}
		if err == nil && t.needsFiles() && config.ReadFile == nil {
			err = errors.New("it names a file, and there are no files here")
		}
		if err != nil {
			return nil, fmt.Errorf("notifications[%d]: %w", i, err)
		}
	}
	return &Notifier{config}, nil
}

func (t Target) needsFiles() bool {
	switch {
	case t.Webhook != nil:
		return t.Webhook.KeyFile != "" || t.Webhook.TokenFile != "" || t.Webhook.CAFile != ""
	case t.OpenMetrics != nil:
		return t.OpenMetrics.TokenFile != "" || t.OpenMetrics.CAFile != ""
	}
	return true
}

// Changed tells of a change of a rollout's state; before is nil at its start.
// It returns within 10 seconds. The error joins those of the targets that could
// not be told; the rollout need not care.
func (n *Notifier) Changed(ctx context.Context, before, after *rollout.State) error {
	if after == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	e := between(before, after)
	failures := make([]error, len(n.config.Targets))
	var all sync.WaitGroup
	for i, t := range n.config.Targets {
		if !t.wants(e) {
			continue
		}
		all.Go(func() {
			if err := n.tell(ctx, t, e, after); err != nil {
				failures[i] = fmt.Errorf("notifications[%d]: %w", i, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (t Target) wants(e Event) bool {
	if t.OpenMetrics != nil {
		return true
	}
	if len(t.Events) == 0 {
		return e != ""
	}
	for _, wanted := range t.Events {
		if e == wanted {
			return true
		}
	}
	return false
}

func (n *Notifier) tell(ctx context.Context, t Target, e Event, s *rollout.State) error {
	var r web.Request
	var err error
	var fine func(*web.Answer) bool
	name := ""
	switch {
	case t.Webhook != nil:
		name = "webhook"
		r, err = n.webhook(t.Webhook, message(e, s))
	case t.Slack != nil:
		name = "slack"
		r, err = n.slack(t.Slack, message(e, s))
	case t.CommitStatus != nil:
		name, fine = "commitStatus", sameStatus
		r, err = n.commitStatus(t.CommitStatus, message(e, s))
	case t.OpenMetrics.Directory != "":
		return writeMetrics(t.OpenMetrics.Directory, s)
	default:
		name = "openMetrics"
		r, err = n.push(t.OpenMetrics, s)
	}
	if err == nil {
		err = send(ctx, r, fine)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// send sends a request, again if that may help.
func send(ctx context.Context, r web.Request, fine func(*web.Answer) bool) error {
	r.Timeout, r.MaxBytes = oneTry, maxBytes
	pause := 250 * time.Millisecond
	for try := 1; ; try++ {
		a, err := web.Do(ctx, r)
		again := err != nil && !errors.Is(err, web.ErrRequest)
		if err == nil {
			if a.Status >= 200 && a.Status <= 299 || (fine != nil && fine(a)) {
				return nil
			}
			again = a.Status >= 500 || a.Status == http.StatusTooManyRequests
			err = fmt.Errorf("%s answers %d %s", web.Host(r.URL), a.Status, http.StatusText(a.Status))
		}
		if !again || try == tries {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
		pause *= 2
	}
}

// request begins a request with the credentials of files, "" for none.
func (n *Notifier) request(method, url, caFile string) (web.Request, error) {
	r := web.Request{Method: method, Headers: map[string]string{}}
	var err error
	if r.URL, err = web.ParseURL(url); err != nil {
		return r, err
	}
	if caFile != "" {
		r.CA, err = n.read(caFile)
	}
	return r, err
}

// token reads a token, "" if no file is named.
func (n *Notifier) token(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := n.read(file)
	if err != nil {
		return "", err
	}
	token, err := web.ParseToken(data)
	if err != nil {
		return "", fmt.Errorf("file %s: %w", file, err)
	}
	return token, nil
}

func (n *Notifier) read(file string) ([]byte, error) {
	data, err := n.config.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a credential: %w", err)
	}
	return data, nil
}
