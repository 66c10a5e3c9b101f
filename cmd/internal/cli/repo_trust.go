package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

// newRule is what --verify of "repo add" asks for, nil without it. The keyring
// has to have every key that is named.
func (a *app) newRule(o *repoAddOptions) (*repo.Rule, error) {
	if o.verify.word == "" {
		if o.trust.keyring != "" || len(o.trust.fingerprints) > 0 || o.trust.current {
			return nil, errors.New("--keyring, --fingerprint and --require-current-key need --verify require")
		}
		return nil, nil
	}
	r := &repo.Rule{Name: o.entry.Name, URL: o.entry.URL, Verify: o.verify.word, Fingerprints: o.trust.fingerprints, CurrentKey: o.trust.current}
	if o.trust.keyring != "" {
		var err error
		if r.Keyring, err = filepath.Abs(o.trust.keyring); err != nil {
			return nil, machineFault(err)
		}
	}
	if err := (provenance.Policy{Fingerprints: r.Fingerprints}).Check(); err != nil {
		return nil, err
	}
	_, err := a.readKeyring(r.Keyring)
	return r, err
}

// addRule writes a rule and tells of it.
func (a *app) addRule(r *repo.Rule, force bool) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	same := false
	err = repo.ChangeTrust(home.TrustFile(), func(t *repo.Trust) error {
		old := t.Get(r.Name)
		if same = old != nil && old.Equal(*r); same {
			return nil
		}
		if old != nil && !force {
			return withHint(fmt.Errorf("there is another rule for (%s) already", r.Name), "--force-update replaces it")
		}
		return t.Put(*r)
	})
	if err != nil {
		return err
	}
	if same {
		return a.print(fmt.Sprintf("charts of %q have to verify already\n", r.Name))
	}
	return a.print(fmt.Sprintf("charts of %q have to verify from now on\n", r.Name))
}

// removeRule takes the rule of a name out.
func (a *app) removeRule(home repo.Home, name string) error {
	err := repo.ChangeTrust(home.TrustFile(), func(t *repo.Trust) error { t.Remove(name); return nil })
	if err != nil {
		return err
	}
	return a.print(fmt.Sprintf("charts of %q need not verify any more\n", name))
}

// repoElement is a repository in "repo list", with Helm's fields and what
// slipway wants of its charts.
type repoElement struct {
	Name   string `json:"name"`
	URL    string `json:"url"`
	Verify string `json:"verify,omitempty"`
}

// repoElements are the repositories and then the registries that have rules.
func repoElements(config *repo.Config, t *repo.Trust) []repoElement {
	list := []repoElement{}
	listed := map[string]bool{}
	for _, e := range config.Entries {
		one := repoElement{Name: e.Name, URL: e.URL}
		if r := t.Rule(e.Name, e.URL); r != nil {
			one.Verify = r.Verify
			listed[r.Name] = true
		}
		list = append(list, one)
	}
	for _, r := range t.Rules {
		if !listed[r.Name] {
			list = append(list, repoElement{r.Name, withoutPassword(r.URL), r.Verify})
		}
	}
	return list
}

// repoRows are those of Helm's table; the third column is there if a rule is.
func repoRows(list []repoElement, t *repo.Trust) [][]any {
	rows := [][]any{{"NAME", "URL"}}
	if len(t.Rules) > 0 {
		rows[0] = append(rows[0], "VERIFY")
	}
	for _, one := range list {
		row := []any{one.Name, one.URL}
		if len(t.Rules) > 0 {
			row = append(row, one.Verify)
		}
		rows = append(rows, row)
	}
	return rows
}
