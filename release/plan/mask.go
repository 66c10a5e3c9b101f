package plan

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// lastAppliedAnnotation holds a whole object, as kubectl apply has sent it.
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

// masked stands for a text that must not be shown. Two are equal if the texts are.
type masked struct {
	length int
	sum    [sha256.Size]byte
}

func mask(text string) masked { return masked{len(text), sha256.Sum256([]byte(text))} }

// maskAny masks the text of any value, but a mask stays itself.
func maskAny(value any) masked {
	if m, done := value.(masked); done {
		return m
	}
	return mask(fmt.Sprint(value))
}

// String tells the length and nothing else.
func (m masked) String() string { return fmt.Sprintf("(masked, %d bytes)", m.length) }

// GoString keeps the sum out of %#v.
func (m masked) GoString() string { return m.String() }

// Format keeps the sum out of each other verb.
func (m masked) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(m.String())) }

// MarshalJSON is String.
func (m masked) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

func isSecret(r manifest.Ref) bool { return r.Kind == "Secret" && r.Group() == "" }

// withoutSecretData returns the object with masks in the place of a Secret's
// content and of the annotation that repeats a whole object. stringData is
// merged into data, where the server puts it.
func withoutSecretData(object map[string]any) map[string]any {
	annotations, _ := at(object, "metadata", "annotations").(map[string]any)
	repeats := annotations[lastAppliedAnnotation]
	secret := object["kind"] == "Secret" && groupOf(object) == ""
	if !secret && repeats == nil {
		return object
	}
	object = cloneMap(object)
	if repeats != nil {
		annotations := childCopy(childCopy(object, "metadata"), "annotations")
		annotations[lastAppliedAnnotation] = maskAny(repeats)
	}
	if secret {
		maskData(object)
	}
	return object
}

// shownOfSecrets are the fields of a Secret that may be shown. Others have
// content, or are such fields misspelled.
var shownOfSecrets = map[string]bool{"apiVersion": true, "kind": true, "metadata": true, "type": true, "immutable": true}

func maskData(secret map[string]any) {
	content := map[string]any{}
	for _, field := range []string{"data", "stringData"} {
		values, isMap := secret[field].(map[string]any)
		if !isMap && secret[field] != nil {
			content[field] = maskAny(secret[field]) // not valid, but not to be shown either
		}
		for key, value := range values {
			if encoded, isString := value.(string); isString && field == "data" {
				if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
					value = string(decoded)
				}
			}
			content[key] = maskAny(value)
		}
		delete(secret, field)
	}
	for field, value := range secret {
		if !shownOfSecrets[field] && value != nil {
			secret[field] = maskAny(value)
		}
	}
	if len(content) > 0 {
		secret["data"] = content
	}
}

// withoutSecrets takes the content of Secrets out of a message, such as one
// of an admission webhook.
func withoutSecrets(message string, secrets ...map[string]any) string {
	var words []string
	for _, secret := range secrets {
		for _, field := range []string{"data", "stringData"} {
			values, _ := secret[field].(map[string]any)
			for _, value := range values {
				plain := fmt.Sprint(value)
				words = append(words, plain)
				if decoded, err := base64.StdEncoding.DecodeString(plain); err == nil && field == "data" {
					words = append(words, string(decoded))
				} else if field == "stringData" {
					words = append(words, base64.StdEncoding.EncodeToString([]byte(plain)))
				}
			}
		}
	}
	sort.Slice(words, func(i, j int) bool { return len(words[i]) > len(words[j]) })
	for _, word := range words {
		if word != "" {
			message = strings.ReplaceAll(message, word, "(masked)")
		}
	}
	return message
}
