package deploy

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/manifest"
)

// Clusters mask what the Secrets hold that a pod reads. A hook may be given the
// same value in another way, before the Secret that has it is there: so what the
// Secrets of the target hold is masked in logs and events, too.

// masking remembers what is hidden of a record, for an operation and its copies.
type masking struct {
	mu      sync.Mutex
	of      *release.Record
	secrets *mask.Secrets // its own
}

// mask hides what the Secrets of the target hold.
func (o *operation) mask(text string) string {
	if o.target == nil || o.target.Release == nil || text == "" {
		return text
	}
	m := o.masking
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of != o.target {
		m.of, m.secrets = o.target, secretsOf(o.target)
	}
	return m.secrets.Hide(text)
}

func (o *operation) maskAll(lines []string) {
	for i := range lines {
		lines[i] = o.mask(lines[i])
	}
}

// masked hides it in what the error of a wait tells of pods: messages, events and
// log lines. It is done before the error's text is taken by others.
func (o *operation) masked(err error) error {
	var hook *HookFailedError
	if errors.As(err, &hook) {
		hook.Message = o.mask(hook.Message)
		o.maskAll(hook.Detail)
	}
	var notReady *NotReadyError
	if errors.As(err, &notReady) {
		for i := range notReady.Objects {
			notReady.Objects[i].Message = o.mask(notReady.Objects[i].Message)
			o.maskAll(notReady.Objects[i].Detail)
		}
	}
	return err
}

// watch is Watch with that hidden, nil if nobody watches.
func (o *operation) watch() func(Sight) {
	if o.Watch == nil {
		return nil
	}
	return func(s Sight) {
		s.Detail = slices.Clone(s.Detail)
		o.maskAll(s.Detail)
		o.Watch(s)
	}
}

// secretsOf are what the Secrets of a record hold. What cannot be read holds
// nothing: it is applied to nothing.
func secretsOf(r *release.Record) *mask.Secrets {
	texts := []string{r.Manifest}
	for _, h := range r.Hooks {
		texts = append(texts, h.Manifest)
	}
	secrets := &mask.Secrets{}
	for _, text := range texts {
		if !strings.Contains(text, "Secret") {
			continue
		}
		if objects, err := manifest.Objects(text); err == nil {
			secrets.AddFrom(objects)
		}
	}
	return secrets
}
