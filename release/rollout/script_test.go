package rollout_test

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/e6d26078/slipway/release/rollout/rollouttest"
)

var rewrite = flag.Bool("rewrite", false, "take what the scripts in testdata print")

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) { rollouttest.Run(t, path, *rewrite) })
	}
}
