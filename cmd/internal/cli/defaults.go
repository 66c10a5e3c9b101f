package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart/yaml"
	schemas "github.com/e6d26078/slipway/docs/schema"
)

// Where a flag's value comes from, the first that has one: the command line, the
// variable SLIPWAY_FLAG, the variable that Helm has for it, the configuration file
// (under the command, then for all commands), slipway's own default.

// configVariable names the configuration file.
const configVariable = "SLIPWAY_CONFIG"

// fromEnvironment are the flags whose defaults other variables set.
var fromEnvironment = map[string]string{
	"debug": "HELM_DEBUG", "namespace": "HELM_NAMESPACE", "kubeconfig": "KUBECONFIG", "kube-context": "HELM_KUBECONTEXT",
	"kube-as-user": "HELM_KUBEASUSER", "kube-as-group": "HELM_KUBEASGROUPS", "kube-apiserver": "HELM_KUBEAPISERVER",
	"kube-ca-file": "HELM_KUBECAFILE", "kube-tls-server-name": "HELM_KUBETLS_SERVER_NAME",
	"kube-insecure-skip-tls-verify": "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "repository-config": "HELM_REPOSITORY_CONFIG",
	"repository-cache": "HELM_REPOSITORY_CACHE", "registry-config": "HELM_REGISTRY_CONFIG", "history-max": "HELM_MAX_HISTORY",
	"basic-auth-user": "BASIC_AUTH_USER",
}

// secretFlags have no place in a file that is kept, nor in a variable of their own.
var secretFlags = []string{"kube-token", "password", "basic-auth-pass"}

// setDefaults sets the flags that the command line leaves out from the
// environment and from the configuration file.
func (a *app) setDefaults(cmd *cobra.Command) error {
	given := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	fromVariables, err := a.setFromVariables(cmd, given)
	if err != nil {
		return err
	}
	path, wanted := a.configFile()
	if path == "" {
		return nil
	}
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && !wanted {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	for name := range fromVariables {
		given[name] = true
	}
	return (&configuration{cmd: cmd, file: path, given: given, getenv: a.env.Getenv}).apply(data)
}

// setFromVariables sets flags from SLIPWAY_NAME_OF_THE_FLAG, and returns which.
func (a *app) setFromVariables(cmd *cobra.Command, given map[string]bool) (map[string]bool, error) {
	set := map[string]bool{}
	var fault error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		variable := "SLIPWAY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if given[f.Name] || slices.Contains(secretFlags, f.Name) || variable == configVariable || fault != nil {
			return
		}
		value := a.env.Getenv(variable)
		if value == "" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			fault = fmt.Errorf("the environment variable %s: %w", variable, err)
		}
		set[f.Name] = true
	})
	return set, fault
}

// configFile is the path of the configuration file, and whether somebody has
// named it, so that it has to be there. Nothing in the working folder is read:
// what is checked out there does not decide what commands do.
func (a *app) configFile() (path string, wanted bool) {
	if path := a.env.Getenv(configVariable); path != "" {
		return path, true
	}
	folder := a.env.Getenv("XDG_CONFIG_HOME")
	switch home := a.env.Getenv("HOME"); {
	case folder != "":
	case runtime.GOOS == "windows":
		folder = a.env.Getenv("APPDATA")
	case home != "":
		folder = filepath.Join(home, ".config")
	}
	if folder == "" {
		return "", false
	}
	return filepath.Join(folder, "slipway", "config.yaml"), false
}

// configuration sets the flags of one command from a file.
type configuration struct {
	cmd    *cobra.Command
	file   string
	given  map[string]bool // flags that have their value already
	getenv func(string) string
	places *yaml.Positions
}

func (c *configuration) apply(data []byte) error {
	var err error
	if c.places, err = schemas.Check(c.file, data, schemas.Config()); err != nil {
		return err
	}
	tree, err := yaml.DecodeMap(data)
	if err != nil {
		return err
	}
	_, own, _ := strings.Cut(c.cmd.CommandPath(), " ")
	commands, _ := tree["commands"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		if found, _, err := c.cmd.Root().Find(strings.Fields(name)); err != nil || found.CommandPath() != c.cmd.Root().Name()+" "+name {
			return fmt.Errorf("%s: there is no command %q", schemas.Place(c.file, c.places, "commands", name), name)
		}
	}
	if flags, ok := commands[own].(map[string]any); ok {
		if err := c.set(flags, "commands", own); err != nil {
			return err
		}
	}
	flags, _ := tree["flags"].(map[string]any)
	return c.set(flags, "flags")
}

// set sets flags from what stands at a path of the file. Flags that only other
// commands have are passed over where the file is about all of them.
func (c *configuration) set(flags map[string]any, path ...string) error {
	forAll := len(path) == 1
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		place := schemas.Place(c.file, c.places, append(path, name)...)
		if slices.Contains(secretFlags, name) {
			return fmt.Errorf("%s: %s is a secret, which has no place in this file", place, name)
		}
		if name == "io-dir" { // what it decides is decided before this file is read
			return fmt.Errorf("%s: io-dir belongs to one run: it stands on the command line or in SLIPWAY_IO_DIR", place)
		}
		f := c.cmd.Flags().Lookup(name)
		switch {
		case f == nil && forAll && isFlagOfAny(c.cmd.Root(), name):
			continue
		case f == nil && forAll:
			return fmt.Errorf("%s: no command has a flag --%s", place, name)
		case f == nil:
			return fmt.Errorf("%s: %s has no flag --%s", place, c.cmd.CommandPath(), name)
		case c.given[name], fromEnvironment[name] != "" && c.getenv(fromEnvironment[name]) != "":
			continue
		}
		c.given[name] = true
		for _, text := range texts(flags[name]) {
			if err := c.cmd.Flags().Set(name, text); err != nil {
				return fmt.Errorf("%s: %w", place, err)
			}
		}
	}
	return nil
}

// texts are a value, or the items of a list, as they stand on a command line.
func texts(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var all []string
	for _, item := range list {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

func isFlagOfAny(cmd *cobra.Command, name string) bool {
	return cmd.Flags().Lookup(name) != nil || cmd.PersistentFlags().Lookup(name) != nil ||
		slices.ContainsFunc(cmd.Commands(), func(sub *cobra.Command) bool { return isFlagOfAny(sub, name) })
}
