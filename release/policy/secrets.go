package policy

import "github.com/e6d26078/slipway/release/internal/mask"

// hideSecrets takes what Secrets of a set hold out of the findings. Built-in
// checks read no Secret; a policy may say anything.
func hideSecrets(set *Set, findings []Finding) {
	s := secretsOf(set)
	for i := range findings {
		f := &findings[i]
		f.Message, f.Fix = s.Hide(f.Message), s.Hide(f.Fix)
		if f.Metadata != nil {
			f.Metadata, _ = s.HideIn(f.Metadata).(map[string]any)
		}
	}
}

// Hide takes what the Secrets of a set hold, encoded or not, out of a text.
func Hide(set *Set, text string) string { return secretsOf(set).Hide(text) }

func secretsOf(set *Set) *mask.Secrets {
	s := &mask.Secrets{}
	s.AddFrom(set.Objects)
	s.AddFrom(set.Hooks)
	return s
}
