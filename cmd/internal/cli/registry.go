package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/repo/oci"
)

const registryLong = `Log in to and out of OCI registries.

Credentials are kept where Helm keeps them, so both have the same logins: with
the credential helper that the registry config file names (--registry-config,
HELM_REGISTRY_CONFIG), or in that file. Those in Docker's file are used, too.`

const registryLoginLong = `Log in to an OCI registry.

The user name and password are tried, and stored if they are right. Without a
credential helper they are stored in a file that only its owner can read, as
Helm and Docker do. They are sent to that registry and the token server that it
names, and to nobody else.

    echo "$TOKEN" | slipway registry login registry.example.com -u robot --password-stdin`

func newRegistry(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registry",
		Short: "login to or logout from a registry",
		Long:  registryLong,
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRegistryLogin(a), newRegistryLogout(a))
	return cmd
}

type loginOptions struct {
	access        repo.Access
	passwordStdin bool
}

func newRegistryLogin(a *app) *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use:               "login HOST",
		Short:             "login to a registry",
		Long:              registryLoginLong,
		Args:              exactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.askLogin(cmd.Context(), &o); err != nil {
				return err
			}
			username, password := o.access.Username, o.access.Password
			o.access.Username, o.access.Password = "", "" // the client is to have the files
			c, err := a.registryClient(o.access)
			if err != nil {
				return err
			}
			if err := c.Login(cmd.Context(), args[0], username, password); err != nil {
				if errors.As(err, new(*oci.UnauthorizedError)) {
					err = withHint(err, "check the user name, and the password or token, that "+args[0]+" takes")
				}
				return err
			}
			a.warnf("Login Succeeded")
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.access.Username, "username", "u", "", "registry username")
	f.StringVarP(&o.access.Password, "password", "p", "", "registry password or identity token; others can see it in the list of processes")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read password or identity token from stdin")
	f.BoolVar(&o.access.Insecure, "insecure", false, "allow connections to TLS registry without certs")
	f.StringVar(&o.access.CertFile, "cert-file", "", "identify registry client using this SSL certificate file")
	f.StringVar(&o.access.KeyFile, "key-file", "", "identify registry client using this SSL key file")
	f.StringVar(&o.access.CAFile, "ca-file", "", "verify certificates of HTTPS-enabled servers using this CA bundle")
	f.BoolVar(&o.access.PlainHTTP, "plain-http", false, "use insecure HTTP connections for the login")
	return cmd
}

// askLogin completes the user name and the password, or token, on the terminal.
func (a *app) askLogin(ctx context.Context, o *loginOptions) error {
	switch {
	case o.passwordStdin:
		text, err := readLimited(&stdin{ctx: ctx, from: a.env.Stdin}, "standard input")
		if err != nil {
			return err
		}
		o.access.Password = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if o.access.Password == "" {
			return errors.New("--password-stdin: standard input is empty")
		}
		return nil
	case o.access.Password != "":
		a.warnf("WARNING: --password can be seen by others on this machine; use --password-stdin")
		return nil
	}
	terminal, ok := a.env.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return withHint(errors.New("a password is required"), "give it with --password-stdin")
	}
	if o.access.Username == "" {
		if err := a.print("Username: "); err != nil {
			return err
		}
		line, err := bufio.NewReader(terminal).ReadString('\n')
		if err != nil {
			return err
		}
		o.access.Username = strings.TrimSpace(line)
	}
	prompt := "Password: "
	if o.access.Username == "" {
		prompt = "Token: "
	}
	if err := a.print(prompt); err != nil {
		return err
	}
	text, err := term.ReadPassword(int(terminal.Fd()))
	_ = a.print("\n")
	if err == nil && len(text) == 0 {
		err = errors.New("a password is required")
	}
	o.access.Password = string(text)
	return err
}

func newRegistryLogout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "logout HOST",
		Short:             "logout from a registry",
		Long:              "Remove the credentials for an OCI registry that 'registry login' has stored.",
		Args:              exactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.registryClient(repo.Access{})
			if err != nil {
				return err
			}
			if err := c.Logout(cmd.Context(), args[0]); err != nil {
				return err
			}
			a.warnf("Removing login credentials for %s", args[0])
			return nil
		},
	}
}
