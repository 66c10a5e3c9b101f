package plan

import (
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
)

// objects reads documents of YAML.
func objects(t testing.TB, text string) []manifest.Object {
	t.Helper()
	list, err := manifest.Objects(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return list
}

// fields reads the first document of a text.
func fields(t testing.TB, text string) map[string]any {
	t.Helper()
	return objects(t, text)[0].Fields
}

// live reads documents that stand for what is in a cluster.
func live(t testing.TB, text string) map[manifest.Ref]map[string]any {
	t.Helper()
	found := map[manifest.Ref]map[string]any{}
	for _, o := range objects(t, text) {
		found[o.Ref] = o.Fields
	}
	return found
}

const zeroDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
