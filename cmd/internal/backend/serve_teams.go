package backend

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo/server"
)

// teams reads what ServeTeams has into the options of a server.
func teams(t link.ServeTeams, o *server.Options) (err error) {
	if t.AuthPolicy.Name != "" {
		if o.Auth.Policy, err = server.ParsePolicy(t.AuthPolicy.Name, t.AuthPolicy.Data, t.ReadFile); err != nil {
			return err
		}
		o.Auth.Proxy = http.ProxyFromEnvironment
	}
	if t.Webhooks.Name != "" {
		if o.Webhooks, err = server.ParseWebhooks(t.Webhooks.Name, t.Webhooks.Data, t.ReadFile, t.Getenv); err != nil {
			return err
		}
	}
	o.Signatures.Required = t.RequireSigned
	o.Signatures.Policy = provenance.Policy{Fingerprints: t.Fingerprints, Current: t.CurrentKey}
	if t.Keyring.Name != "" {
		if o.Signatures.Keyring, err = provenance.ReadKeyring(bytes.NewReader(t.Keyring.Data)); err != nil {
			return fmt.Errorf("%s: %w", t.Keyring.Name, err)
		}
	}
	return nil
}
