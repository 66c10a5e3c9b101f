package oci_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/repo/oci"
	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// TestChartsOfTheCorpusHaveHelmsDigest pushes a few of other people's charts.
func TestChartsOfTheCorpusHaveHelmsDigest(t *testing.T) {
	corpus := os.Getenv("SLIPWAY_CORPUS")
	if corpus == "" {
		t.Skip("SLIPWAY_CORPUS is not set")
	}
	const few = 12
	var files []string
	err := filepath.WalkDir(corpus, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tgz") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no charts in %s: %v", corpus, err)
	}
	program := helms(t)["helm3"]
	host := registrytest.Start(t, registrytest.Options{})
	c := oci.New(oci.Options{PlainHTTP: true})
	for i := 0; i < len(files); i += len(files)/few + 1 {
		out, helmErr := helm(t, program, t.TempDir(), "", "push", files[i], "oci://"+host+"/helm", "--plain-http")
		pushed, err := push(t, c, "oci://"+host+"/slipway", files[i])
		switch {
		case (err != nil) != (helmErr != nil):
			t.Errorf("%s: helm %v, slipway %v\n%s", files[i], helmErr, err, out)
		case err == nil && !strings.Contains(out, pushed.Reference.Digest):
			t.Errorf("%s: slipway pushes %s, helm\n%s", files[i], pushed.Reference.Digest, out)
		}
	}
}
