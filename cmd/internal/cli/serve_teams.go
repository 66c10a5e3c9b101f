package cli

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/cmd/internal/link"
)

// serveTeamsFlags are those of a server that others than its owner use.
type serveTeamsFlags struct {
	policy, webhooks, keyring string
	fingerprints              []string
	currentKey, requireSigned bool
}

func (s *serveTeamsFlags) register(f *pflag.FlagSet) {
	f.StringVar(&s.policy, "auth-policy", "", "YAML file that says which identity tokens (OIDC) of CI systems may do what")
	f.StringVar(&s.webhooks, "webhooks", "", "YAML file that says which webhooks are told of uploads and deletions")
	f.StringVar(&s.keyring, "verify-keyring", "", "keyring with public keys; .prov files have to be signed by one of them")
	f.StringSliceVar(&s.fingerprints, "verify-fingerprint", nil, "fingerprint of a key that counts, if not all of the keyring do (can specify multiple)")
	f.BoolVar(&s.currentKey, "verify-current-key", false, "want the key to be valid now as well: neither expired nor revoked for any reason")
	f.BoolVar(&s.requireSigned, "require-signed", false, "refuse uploads without a .prov file that counts, and leave out of the index what has none")
}

// read reads the files.
func (s *serveTeamsFlags) read(getenv func(string) string) (t link.ServeTeams, err error) {
	if s.keyring == "" && (s.requireSigned || s.currentKey || len(s.fingerprints) > 0) {
		return t, withHint(errors.New("signatures cannot be verified without keys"), "give a file with public keys as --verify-keyring; 'gpg --export > FILE' makes one")
	}
	t = link.ServeTeams{Fingerprints: s.fingerprints, CurrentKey: s.currentKey, RequireSigned: s.requireSigned, ReadFile: readFile, Getenv: getenv}
	for _, file := range []struct {
		name string
		into *link.File
	}{{s.policy, &t.AuthPolicy}, {s.webhooks, &t.Webhooks}, {s.keyring, &t.Keyring}} {
		if file.name == "" {
			continue
		}
		file.into.Name = file.name
		if file.into.Data, err = readFile(file.name); err != nil {
			return t, err
		}
	}
	return t, nil
}
