package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/spf13/pflag"
)

// nameFlags say how a release that the arguments do not name gets its name.
type nameFlags struct {
	generate bool
	template string
}

func (n *nameFlags) register(f *pflag.FlagSet) {
	f.BoolVarP(&n.generate, "generate-name", "g", false, "generate the name (and omit the NAME parameter)")
	f.StringVar(&n.template, "name-template", "", "specify template used to name the release")
}

// nameAndChart takes the release's name and the chart out of the arguments.
// otherwise is the name when nothing gives one; empty means that one is needed.
func (a *app) nameAndChart(args []string, flags nameFlags, otherwise string) (name, chart string, err error) {
	switch {
	case len(args) > 2:
		return "", "", fmt.Errorf("expected at most two arguments, unexpected arguments: %s", strings.Join(args[2:], ", "))
	case len(args) == 2 && flags.generate:
		return "", "", errors.New("cannot set --generate-name and also specify a name")
	case len(args) == 2 && flags.template != "":
		return "", "", errors.New("cannot set --name-template and also specify a name")
	case len(args) == 2:
		return args[0], args[1], nil
	case flags.template != "":
		name, err = expandName(flags.template)
		return name, args[0], err
	case otherwise != "":
		return otherwise, args[0], nil
	case !flags.generate:
		return "", "", errors.New("must either provide a name or specify --generate-name")
	}
	base := filepath.Base(args[0])
	if base == "." || base == "" {
		base = "chart"
	}
	base, _, _ = strings.Cut(base, ".")
	return fmt.Sprintf("%s-%d", base, a.env.Now().Unix()), args[0], nil
}

// expandName executes a template for a name: Go's template language with
// sprig's functions, and no data.
func expandName(text string) (string, error) {
	t, err := template.New("name-template").Funcs(sprig.TxtFuncMap()).Parse(text)
	if err != nil {
		return "", err
	}
	var name strings.Builder
	err = t.Execute(&name, nil)
	return name.String(), err
}

// maxReleaseName leaves room for what charts append: names of Kubernetes
// objects may have 63 characters.
const maxReleaseName = 53

// checkReleaseName refuses what cannot be the name of a release: it must
// consist of DNS labels of lower case letters, digits and dashes, with dots between.
func checkReleaseName(name string) error {
	if name == "" {
		return fmt.Errorf("release name %q: no name provided", name)
	}
	valid := len(name) <= maxReleaseName
	for label := range strings.SplitSeq(name, ".") {
		valid = valid && isLabel(label)
	}
	if valid {
		return nil
	}
	return fmt.Errorf("release name %q: invalid release name, must match regex "+
		`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`+
		" and the length must not be longer than %d", name, maxReleaseName)
}

func isLabel(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
