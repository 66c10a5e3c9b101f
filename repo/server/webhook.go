package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	hookQueue   = 1000 // messages that wait for one webhook
	hookTries   = 6
	hookPause   = time.Second // after the first try; doubled after each
	hookTimeout = 10 * time.Second
	maxAnswer   = 64 << 10 // bytes that are read so that the connection can be used again
)

// message is what webhooks are sent, of the schema slipway.dev/webhook-message/v1.
type message struct {
	APIVersion string      `json:"apiVersion"`
	Type       string      `json:"type"`
	Timestamp  time.Time   `json:"timestamp"`
	Data       messageData `json:"data"`
}

type messageData struct {
	Repository string `json:"repository"`
	Chart      string `json:"chart"`
	Version    string `json:"version"`
	Digest     string `json:"digest"`
	Provenance bool   `json:"provenance"`
	User       string `json:"user,omitempty"`
}

// hooks tells webhooks of changes, each in the order of the changes. What waits
// is in memory alone. nil tells nobody.
type hooks struct {
	now     func() time.Time
	log     *slog.Logger
	metrics *metrics
	senders []*sender
	stop    context.CancelFunc
	group   sync.WaitGroup
}

// sender sends what is in a queue to one webhook.
type sender struct {
	hook   *webhook
	name   string // for the log and metrics: it shows nothing of the address but the host
	client *http.Client
	queue  chan delivery
	pause  time.Duration
}

type delivery struct {
	id   string
	body []byte
}

// newHooks starts to send. Close it.
func newHooks(w *Webhooks, now func() time.Time, log *slog.Logger, m *metrics, pause time.Duration) *hooks {
	if w == nil {
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &hooks{now: now, log: log, metrics: m, stop: stop}
	for i := range w.hooks {
		hook := &w.hooks[i]
		s := &sender{hook: hook, name: strconv.Itoa(i) + " " + hook.url.Host, client: newHookClient(hook, w.allowed), queue: make(chan delivery, hookQueue), pause: pause}
		h.senders = append(h.senders, s)
		h.group.Go(func() { h.run(ctx, s) })
	}
	return h
}

// close ends sending. What still waits is lost.
func (h *hooks) close() {
	if h == nil {
		return
	}
	h.stop()
	h.group.Wait()
	for _, s := range h.senders {
		if n := len(s.queue); n > 0 {
			h.log.Warn("webhook messages are lost, since the server ends", "webhook", s.name, "messages", n)
		}
	}
}

// tell puts a change into the queues. It does not wait.
func (h *hooks) tell(e event) {
	kinds := map[string]string{"upload": chartUploaded, "prov": chartSigned, "delete": chartDeleted}
	kind := kinds[e.Action]
	if h == nil || kind == "" || e.Status >= http.StatusBadRequest {
		return
	}
	if e.Repository == "" {
		e.Repository = defaultRepository
	}
	body, err := json.Marshal(message{APIVersion: "slipway.dev/webhook-message/v1", Type: kind, Timestamp: h.now().UTC(), Data: messageData{
		Repository: e.Repository, Chart: e.Chart, Version: e.Version, Digest: "sha256:" + e.Digest, Provenance: e.Prov, User: e.User,
	}})
	if err != nil {
		h.log.Error("webhook", "error", err.Error())
		return
	}
	d := delivery{id: "msg_" + rand.Text(), body: body}
	for _, s := range h.senders {
		if !s.hook.wants(kind, e.Repository) {
			continue
		}
		select {
		case s.queue <- d:
		default:
			h.metrics.countHook(s.name, hookDropped)
			h.log.Error("a webhook message is lost, since too many wait", "webhook", s.name, "message", d.id)
		}
	}
}

func (h *hooks) run(ctx context.Context, s *sender) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.queue:
			err := h.deliver(ctx, s, d)
			if err == nil {
				h.metrics.countHook(s.name, hookDelivered)
				continue
			}
			h.metrics.countHook(s.name, hookFailed)
			h.log.Error("a webhook message was not delivered", "webhook", s.name, "message", d.id, "error", err.Error())
		}
	}
}

// deliver sends a message, again if that may help.
func (h *hooks) deliver(ctx context.Context, s *sender, d delivery) error {
	pause := s.pause
	for try := 1; ; try++ {
		again, err := s.send(ctx, d, h.now())
		if err == nil || !again || try == hookTries {
			return err
		}
		h.log.Warn("a webhook message is sent again", "webhook", s.name, "message", d.id, "try", try, "error", err.Error())
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

// send sends a message once, and tells whether another try may help.
func (s *sender) send(ctx context.Context, d delivery, now time.Time) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hook.url.String(), bytes.NewReader(d.body))
	if err != nil {
		return false, errors.New("the address cannot be asked")
	}
	at := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "slipway")
	r.Header.Set("webhook-id", d.id)
	r.Header.Set("webhook-timestamp", at)
	r.Header.Set("webhook-signature", signMessage(s.hook.secret, d.id, at, d.body))
	response, err := s.client.Do(r)
	if err != nil {
		return !errors.Is(err, errAddress), hideURL(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	switch status := response.StatusCode; {
	case status < 300:
		return false, nil
	default:
		again = status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
		return again, fmt.Errorf("the answer was %d %s", status, http.StatusText(status))
	}
}

// signMessage signs a message as Standard Webhooks 1.0 has it: HMAC-SHA256 of id,
// time and body with points between them.
func signMessage(secret []byte, id, at string, body []byte) string {
	sum := hmac.New(sha256.New, secret)
	sum.Write([]byte(id + "." + at + "."))
	sum.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
