package deploy

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// Clusters mask what the Secrets hold that a pod reads. A hook may be given the
// same value in another way, before the Secret that has it is there: so what the
// Secrets of the target hold is masked in logs and events, too.

// secretMask stands in place of what a Secret holds.
const secretMask = "***"

// shortestSecret is the length below which a value is not taken for a secret: it
// would be found by chance.
const shortestSecret = 4

// masking remembers what is hidden of a record, for an operation and its copies.
type masking struct {
	mu       sync.Mutex
	of       *release.Record
	replacer *strings.Replacer
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
		m.of, m.replacer = o.target, maskerOf(o.target)
	}
	return m.replacer.Replace(text)
}

func (o *operation) maskAll(lines []string) {
	for i := range lines {
		lines[i] = o.mask(lines[i])
	}
}

// maskError hides it in the events and log lines of an error.
func (o *operation) maskError(err error) {
	var hook *HookFailedError
	if errors.As(err, &hook) {
		o.maskAll(hook.Detail)
	}
	var notReady *NotReadyError
	if errors.As(err, &notReady) {
		for i := range notReady.Objects {
			o.maskAll(notReady.Objects[i].Detail)
		}
	}
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

// maskerOf replaces all that the Secrets of a record hold, by line and encoded,
// longer texts first. What cannot be read holds nothing: it is applied to nothing.
func maskerOf(r *release.Record) *strings.Replacer {
	texts := []string{r.Manifest}
	for _, h := range r.Hooks {
		texts = append(texts, h.Manifest)
	}
	found := map[string]bool{}
	add := func(value string) {
		for _, s := range append(strings.Split(value, "\n"), value, base64.StdEncoding.EncodeToString([]byte(value))) {
			if s = strings.TrimSpace(s); len(s) >= shortestSecret {
				found[s] = true
			}
		}
	}
	for _, text := range texts {
		if !strings.Contains(text, "Secret") {
			continue
		}
		objects, err := manifest.Objects(text)
		if err != nil {
			continue
		}
		for _, object := range objects {
			if object.Kind != "Secret" || object.Group() != "" {
				continue
			}
			plain, _ := object.Fields["stringData"].(map[string]any)
			for _, value := range plain {
				s, _ := value.(string)
				add(s)
			}
			data, _ := object.Fields["data"].(map[string]any)
			for _, value := range data {
				s, _ := value.(string)
				if decoded, err := base64.StdEncoding.DecodeString(s); err == nil {
					add(string(decoded))
				}
			}
		}
	}
	words := make([]string, 0, len(found))
	for word := range found {
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(words))
	for _, word := range words {
		pairs = append(pairs, word, secretMask)
	}
	return strings.NewReplacer(pairs...)
}
