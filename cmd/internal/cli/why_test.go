package cli

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/docs/schema"
)

// TestWhyHasTheFormOfItsSchema holds the JSON against the published schema.
func TestWhyHasTheFormOfItsSchema(t *testing.T) {
	shop, err := filepath.Abs("../../../testdata/charts/shop")
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, int) {
		var stdout bytes.Buffer
		code := Run(context.Background(), Env{
			Args: append([]string{"why"}, args...), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: io.Discard,
			Getenv: func(string) string { return "" }, Now: time.Now,
		})
		return stdout.String(), code
	}
	for _, question := range [][]string{
		{"Deployment/rel", "spec.replicas"}, {"Deployment/rel", "spec.template.spec.containers[name=shop].ports[0]"},
		{"ConfigMap/rel-config", "data.greeting"}, {"Secret/rel-secret", "stringData.password"}, {"Job/rel-pre-install", "metadata.annotations"},
	} {
		text, code := run("rel", shop, question[0], question[1], "--output", "json")
		if code != exitDone {
			t.Errorf("%s: exit code %d", question, code)
			continue
		}
		if _, err := schema.Check("answer", []byte(text), schema.Why()); err != nil {
			t.Errorf("%s: %v\n%s", question, err, text)
		}
	}
	if text, code := run("rel", shop, "Deployment/none", "spec", "--output", "json"); code != exitBadInput || text != "" {
		t.Errorf("an object that is not there: exit code %d, %q", code, text)
	}
}
