package cli

import (
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// hiddenSecret stands for a Secret, in Helm's words.
const hiddenSecret = "# HIDDEN: The Secret output has been suppressed"

// withoutSecretText is a copy of a record without the Secrets in its manifest
// and its hooks, and with all values masked.
func withoutSecretText(r *release.Record) *release.Record {
	r = r.Clone()
	r.Manifest = hideSecrets(r.Manifest)
	for i, h := range r.Hooks {
		if hidesSecret(h.Manifest) {
			hidden := *h
			hidden.Manifest = hiddenSecret
			r.Hooks[i] = &hidden
		}
	}
	r.Config, _ = maskLeaves(r.Config).(map[string]any)
	if r.Chart != nil {
		shown := *r.Chart // its defaults hold the values of earlier revisions with --reuse-values
		shown.Values, _ = maskLeaves(r.Chart.Values).(map[string]any)
		r.Chart = &shown
	}
	return r
}

// hideSecrets takes the Secrets out of a manifest and leaves the comments that
// name their templates.
func hideSecrets(text string) string {
	docs := manifest.Split(text, manifest.Helm3)
	var out strings.Builder
	found := false
	for _, doc := range docs {
		if hidesSecret(doc) {
			found = true
			head, _, _ := strings.Cut(strings.TrimSpace(doc), "\n")
			if doc = hiddenSecret; strings.HasPrefix(head, "# Source: ") {
				doc = head + "\n" + hiddenSecret
			}
		}
		out.WriteString("---\n" + doc + "\n")
	}
	if !found {
		return text
	}
	return out.String()
}

// hidesSecret reports whether a document is a Secret or may hold one.
func hidesSecret(doc string) bool {
	head, err := yaml.ReadHead(doc)
	switch {
	case err != nil, strings.HasSuffix(head.Kind, "List"), head.Kind == "":
		return isSecret(doc)
	}
	return head.Kind == "Secret"
}

// maskLeaves is a value with everything in it masked but the names.
func maskLeaves(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return v
		}
		all := make(map[string]any, len(v))
		for name, value := range v {
			all[name] = maskLeaves(value)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i, value := range v {
			all[i] = maskLeaves(value)
		}
		return all
	case nil:
		return nil
	}
	return masked
}
