package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Command returns the tree of all commands, for generators. Its commands are
// not meant to be run: use [Run].
func Command() *cobra.Command {
	return newRoot(&app{env: Env{Getenv: func(string) string { return "" }}})
}

const rootLong = `Slipway renders Helm charts exactly as Helm does, and much faster.

It installs, upgrades and rolls back releases that Helm can read, and reads
those of Helm. It needs no Helm.

Exit codes of all commands: 0 done, 1 internal error, 2 bad input or refused
(nothing was changed), 3 failed and rolled back, 4 failed and somebody has to
look, 10 a rollout is at a gate, 11 changes were found, 20 somebody else works on
the release, 21 measurements are neither good nor bad, 75 retryable (nothing was
changed), 124 time limit, 130 interrupted, 143 terminated. What was interrupted
goes on when the same command is run again.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "slipway",
		Short:         "render, check, package and deploy helm charts",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			err := a.setDefaults(cmd)
			a.openCI(cmd)
			return err
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetIn(a.env.Stdin)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return withHint(err, fmt.Sprintf("run '%s --help' for the flags", cmd.CommandPath()))
	})
	a.flags.register(root.PersistentFlags(), a.env.Getenv)
	root.AddCommand(
		newTemplate(a),
		newLint(a),
		newShow(a),
		newPackage(a),
		newVerify(a),
		newCreate(a),
		newValues(a),
		newWhy(a),
		newRepo(a),
		newSearch(a),
		newPull(a),
		newPush(a),
		newRegistry(a),
		newDependency(a),
		newBundle(a),
		a.onCluster(newInstall(a)),
		a.onCluster(newUpgrade(a)),
		a.onCluster(newRollback(a)),
		a.onCluster(newUninstall(a)),
		a.onCluster(newTest(a)),
		a.onCluster(newRecover(a)),
		newRollout(a),
		newPreflight(a),
		a.onCluster(newPlan(a)),
		a.onCluster(newApply(a)),
		a.onCluster(newDrift(a)),
		a.onCluster(newList(a)),
		a.onCluster(newHistory(a)),
		a.onCluster(newStatus(a)),
		a.onCluster(newGet(a)),
		a.onCluster(newImages(a)),
		newRBAC(a),
		a.onCluster(newMigrate(a)),
		a.onCluster(newServe(a)),
		newVersion(a),
		newCompletion(a),
	)
	a.completeArguments(root)
	return root
}

// globalFlags are Helm's flags that stand with every command. The commands that
// need no cluster take those about connections too, so that a script need not
// be changed.
type globalFlags struct {
	debug         bool
	namespace     string
	kubeconfig    string
	kubeContext   string
	token         string
	asUser        string
	asGroups      []string
	apiServer     string
	caFile        string
	tlsServerName string
	insecure      bool
	concurrency   int

	repositoryConfig string
	repositoryCache  string
	registryConfig   string
}

func (g *globalFlags) register(f *pflag.FlagSet, getenv func(string) string) {
	debug, _ := strconv.ParseBool(getenv("HELM_DEBUG"))
	insecure, _ := strconv.ParseBool(getenv("HELM_KUBEINSECURE_SKIP_TLS_VERIFY"))
	groups := strings.FieldsFunc(getenv("HELM_KUBEASGROUPS"), func(r rune) bool { return r == ',' || r == ' ' })
	f.BoolVar(&g.debug, "debug", debug, "enable verbose output")
	f.StringVarP(&g.namespace, "namespace", "n", getenv("HELM_NAMESPACE"), "namespace scope for this request")
	f.StringVar(&g.kubeconfig, "kubeconfig", "", "path to the kubeconfig file")
	f.StringVar(&g.kubeContext, "kube-context", getenv("HELM_KUBECONTEXT"), "name of the kubeconfig context to use")
	f.StringVar(&g.token, "kube-token", "", "bearer token used for authentication")
	f.StringVar(&g.asUser, "kube-as-user", getenv("HELM_KUBEASUSER"), "username to impersonate for the operation")
	f.StringArrayVar(&g.asGroups, "kube-as-group", groups, "group to impersonate for the operation, this flag can be repeated to specify multiple groups")
	f.StringVar(&g.apiServer, "kube-apiserver", getenv("HELM_KUBEAPISERVER"), "the address and the port for the Kubernetes API server")
	f.StringVar(&g.caFile, "kube-ca-file", getenv("HELM_KUBECAFILE"), "the certificate authority file for the Kubernetes API server connection")
	f.StringVar(&g.tlsServerName, "kube-tls-server-name", getenv("HELM_KUBETLS_SERVER_NAME"), "server name to use for Kubernetes API server certificate validation. If it is not provided, the hostname used to contact the server is used")
	f.BoolVar(&g.insecure, "kube-insecure-skip-tls-verify", insecure, "do not check the Kubernetes API server's certificate. This makes your HTTPS connections insecure")
	f.IntVar(&g.concurrency, "concurrency", 64, "how many requests to the Kubernetes API server may be under way at a time")

	f.StringVar(&g.repositoryConfig, "repository-config", "", "path to the file containing repository names and URLs")
	f.StringVar(&g.repositoryCache, "repository-cache", "", "path to the directory containing cached repository indexes")
	f.StringVar(&g.registryConfig, "registry-config", "", "path to the registry config file")
	f.Int("burst-limit", 100, "client-side default throttling limit")
	f.Float32("qps", 0, "queries per second to the Kubernetes API, not including bursting")
	hide(f, "burst-limit", "qps")
}

// unknownCommandError says that there is no command of that name.
type unknownCommandError struct{ text string }

func (e *unknownCommandError) Error() string { return e.text }

// unknownCommand is the argument check of commands that only hold others.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return &unknownCommandError{text}
}

// exactArgs wants n arguments, in Helm's words.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return argumentsError(cmd, "requires", n)
	}
}

// minimumArgs wants n arguments or more, in Helm's words.
func minimumArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= n {
			return nil
		}
		return argumentsError(cmd, "requires at least", n)
	}
}

func argumentsError(cmd *cobra.Command, verb string, n int) error {
	word := "arguments"
	if n == 1 {
		word = "argument"
	}
	return withHint(fmt.Errorf("%q %s %d %s", cmd.CommandPath(), verb, n, word), "usage: "+cmd.UseLine())
}

// noArgs wants no arguments, in Helm's words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return withHint(fmt.Errorf("%q accepts no arguments", cmd.CommandPath()), "usage: "+cmd.UseLine())
}
