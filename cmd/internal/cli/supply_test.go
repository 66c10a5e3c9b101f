package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// TestSupplyChain runs testdata/supply. For each script the folder site is served
// at $SITE, and $REGISTRY is a real registry. Beside the commands of TestScripts there is
//
//	keys      makes an OpenPGP key pair in the files public and private
//	outage    stops the server of $SITE for good
func TestSupplyChain(t *testing.T) {
	peers := peersFolder(t)
	registry := registrytest.Start(t, registrytest.Options{})
	testscript.Run(t, testscript.Params{
		Dir: "testdata/supply",
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(env.WorkDir, "site"))))
			env.Defer(server.Close)
			env.Values["server"] = server
			env.Setenv("SITE", server.URL)
			env.Setenv("REGISTRY", registry)
			env.Setenv("HELM3", filepath.Join(peers, "helm3"))
			env.Setenv("HELM4", filepath.Join(peers, "helm4"))
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "valid": validFile, "keys": keys,
			"outage": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Value("server").(*httptest.Server).Close() },
		},
	})
}

// TestHelmsFlagsAreTaken compares the flags in Helm's help with those of the
// commands, hidden ones included.
func TestHelmsFlagsAreTaken(t *testing.T) {
	helm := filepath.Join(peersFolder(t), "helm3")
	flag := regexp.MustCompile(`(?m)^ +(?:-(\w), )?--([\w-]+)`)
	root := newRoot(&app{env: Env{Getenv: func(string) string { return "" }, Now: time.Now, Stderr: &bytes.Buffer{}}})
	for _, name := range []string{"dependency update", "dependency build", "dependency list", "pull", "repo add", "repo list", "repo update", "repo index", "repo remove"} {
		cmd, _, err := root.Find(strings.Fields(name))
		if err != nil {
			t.Fatal(err)
		}
		help, err := exec.CommandContext(context.Background(), helm, append(strings.Fields(name), "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		found := flag.FindAllStringSubmatch(string(help), -1)
		if len(found) < 10 {
			t.Errorf("%s: only %d flags in %s", name, len(found), help)
		}
		for _, one := range found {
			f := cmd.Flag(one[2])
			if one[2] != "help" && (f == nil || f.Shorthand != one[1]) {
				t.Errorf("%s has no -%s, --%s", name, one[1], one[2])
			}
		}
	}
}
