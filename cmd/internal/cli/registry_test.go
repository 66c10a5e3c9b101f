package cli

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/repo/oci/registrytest"
)

// TestRegistries runs testdata/registry with two real registries: $REGISTRY lets
// everybody in, $LOCKED those with the password secret of the user robot. Beside
// the commands of TestScripts there is
//
//	keys    makes an OpenPGP key pair in the files public and private
func TestRegistries(t *testing.T) {
	peers := peersFolder(t)
	open, locked := registrytest.Start(t, registrytest.Options{}), registrytest.Start(t, registrytest.Options{Passwords: true})
	testscript.Run(t, testscript.Params{
		Dir: "testdata/registry",
		Setup: func(env *testscript.Env) error {
			env.Setenv("REGISTRY", open)
			env.Setenv("LOCKED", locked)
			env.Setenv("HELM3", filepath.Join(peers, "helm3"))
			env.Setenv("HELM4", filepath.Join(peers, "helm4"))
			return setup(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "valid": validFile, "keys": keys},
	})
}
