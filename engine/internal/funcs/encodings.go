package funcs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"github.com/e6d26078/slipway/chart/yaml"
)

// addEncodings adds the functions that write YAML, JSON, base64 and checksums.
func (k *kit) addEncodings() {
	k.text(func(dst []byte, args []any) ([]byte, bool) { return appendYAML(dst, args[0]), true }, "toYaml")
	k.text(func(dst []byte, args []any) ([]byte, bool) {
		out := appendYAML(dst, args[0])
		return out, len(out) > len(dst) // nothing means an error
	}, "mustToYaml")
	k.text(func(dst []byte, args []any) ([]byte, bool) {
		// An error leaves dst as it was: the empty text that toJson has for it.
		dst, _ = yaml.AppendJSON(dst, args[0])
		return dst, true
	}, "toJson")
	k.text(orElse(yaml.AppendJSON), "mustToJson")
	k.text(orElse(yaml.AppendPrettyJSON), "toPrettyJson", "mustToPrettyJson")
	k.text(orElse(yaml.AppendRawJSON), "toRawJson", "mustToRawJson")

	k.text(onText(func(dst []byte, s string) []byte {
		return base64.StdEncoding.AppendEncode(dst, []byte(s))
	}), "b64enc")
	k.text(onText(func(dst []byte, s string) []byte {
		sum := sha256.Sum256([]byte(s))
		return hex.AppendEncode(dst, sum[:])
	}), "sha256sum")
}

// orElse is a writer that does not know the values that encode cannot write.
func orElse(encode func(dst []byte, v any) ([]byte, error)) writer {
	return func(dst []byte, args []any) ([]byte, bool) {
		out, err := encode(dst, args[0])
		return out, err == nil
	}
}

// onText is a writer for a function of one string.
func onText(encode func(dst []byte, s string) []byte) writer {
	return func(dst []byte, args []any) ([]byte, bool) {
		s, ok := args[0].(string)
		if !ok {
			return dst, false
		}
		return encode(dst, s), true
	}
}
