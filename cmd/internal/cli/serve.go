package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/cmd/internal/link"
)

const serveLong = `Serve a chart repository from a folder or a bucket of object storage, with the
routes and credentials of ChartMuseum. Both have its layout too, so one of
ChartMuseum's can be served.

  slipway serve
  curl --data-binary @web-1.2.3.tgz http://127.0.0.1:8080/api/charts
  helm repo add mine http://127.0.0.1:8080

With --storage s3://BUCKET/PREFIX the credentials come from the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), the usual file or
the role of the machine. Any number of servers may serve a bucket, a folder one.

An upload that was answered with 201 is stored and in the index. Versions
are not replaced unless a flag allows it. Without credentials the server listens
on loopback addresses alone. It ends on SIGTERM, after the requests under way.`

// serveFlags are what has to be read before it is an option of the server.
type serveFlags struct {
	user, password, userFile string
	keyFile, auditFile       string
	teams                    serveTeamsFlags
}

func newServe(a *app) *cobra.Command {
	var o link.ServeOptions
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve a chart repository from a folder or a bucket",
		Long:  serveLong,
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), o, f) },
	}
	registerServe(cmd.Flags(), &o)
	registerServeAuth(cmd.Flags(), &o, &f, a.env.Getenv)
	return cmd
}

func registerServe(f *pflag.FlagSet, o *link.ServeOptions) {
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address and port to listen on")
	f.StringVar(&o.Storage, "storage", "slipway-charts", "folder with the charts, which is made if it is missing, or s3://BUCKET/PREFIX")
	f.IntVar(&o.Depth, "depth", 0, "names in front of a repository's paths: with 2, repositories are at /ORG/REPO")
	f.BoolVar(&o.AnyDepth, "depth-dynamic", false, "have repositories with any number of names in front of their paths, up to 8, at once, instead of --depth")
	f.StringVar(&o.ContextPath, "context-path", "", "path in front of all others")
	f.StringVar(&o.ChartURL, "chart-url", "", "address of the charts in the index, if it is not the index's own")
	f.BoolVar(&o.AllowOverwrite, "allow-overwrite", false, "let uploads replace versions")
	f.BoolVar(&o.AllowForce, "allow-force", false, "let uploads with ?force replace versions")
	f.BoolVar(&o.NoDelete, "disable-delete", false, "let nobody delete versions")
	f.BoolVar(&o.NoAPI, "disable-api", false, "serve the index and the charts alone")
	f.Int64Var(&o.MaxUpload, "max-upload-size", 20<<20, "size of the largest upload, in bytes")
	f.IntVar(&o.MaxObjects, "max-storage-objects", 0, "archives that one repository may have, 0 for any number")
	f.Int64Var(&o.MaxBytes, "max-storage-bytes", 0, "bytes that one repository may have, 0 for any number")
	f.Float64Var(&o.Rate, "rate", 0, "requests a second that one address may send, 0 for any number")
	f.DurationVar(&o.ReadTimeout, "read-timeout", time.Minute, "how long an upload may take")
	f.StringVar(&o.Origin, "cors-alloworigin", "", "origin whose pages may call the server from browsers")
	f.BoolVar(&o.JSON, "log-json", false, "write the log as JSON")
	registerServeStorage(f, &o.Where)
}

func registerServeAuth(f *pflag.FlagSet, o *link.ServeOptions, s *serveFlags, getenv func(string) string) {
	f.BoolVar(&o.Open, "listen-without-auth", false, "listen without credentials on addresses that other machines reach")
	f.StringVar(&s.user, "basic-auth-user", getenv("BASIC_AUTH_USER"), "name of the user; $BASIC_AUTH_USER")
	f.StringVar(&s.password, "basic-auth-pass", "", "password of the user; better in $BASIC_AUTH_PASS")
	f.StringVar(&s.userFile, "basic-auth-file", "", "file with a line NAME:PASSWORD for each user")
	f.BoolVar(&o.AnonymousGet, "auth-anonymous-get", false, "let everybody read")
	f.StringVar(&s.keyFile, "auth-cert-path", "", "file with public keys or certificates that prove bearer tokens (RS256 or ES256)")
	f.StringVar(&o.Realm, "auth-realm", "", "where bearer tokens are to be had")
	f.StringVar(&o.Service, "auth-service", "", "name of this server for those who make bearer tokens")
	f.StringVar(&o.Issuer, "auth-issuer", "", "issuer that bearer tokens have to name")
	f.StringVar(&o.Audience, "auth-audience", "", "audience that bearer tokens have to name")
	f.StringVar(&o.CertFile, "tls-cert", "", "file with the certificate of the server")
	f.StringVar(&o.KeyFile, "tls-key", "", "file with the key of the certificate")
	f.StringVar(&o.ClientCAFile, "tls-ca-cert", "", "file with authorities; clients need a certificate of one of them")
	f.StringVar(&s.auditFile, "audit-log", "", "file to which a line of JSON is added for each change and refusal")
	s.teams.register(f)
}

func (a *app) serve(ctx context.Context, o link.ServeOptions, f serveFlags) error {
	collectAsUsual()
	if (o.CertFile == "") != (o.KeyFile == "") || o.ClientCAFile != "" && o.CertFile == "" {
		return withHint(errors.New("a certificate needs its key, and certificates of clients need both"), "give --tls-cert and --tls-key")
	}
	if err := checkDepth(o.Depth, o.AnyDepth); err != nil {
		return err
	}
	if err := completeServeStorage(&o, a.env.Getenv); err != nil {
		return err
	}
	var err error
	if o.Users, err = f.users(a.env.Getenv); err != nil {
		return err
	}
	if o.Teams, err = f.teams.read(a.env.Getenv); err != nil {
		return err
	}
	if f.keyFile != "" {
		if o.Keys, err = readFile(f.keyFile); err != nil {
			return err
		}
		if len(o.Keys) == 0 {
			return fmt.Errorf("%s is empty; it has to have a public key", f.keyFile)
		}
	}
	if f.auditFile != "" {
		file, err := os.OpenFile(f.auditFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		defer file.Close()
		o.Audit = file
	}
	o.Version, o.Log, o.Now = readBuildInfo().Version, a.env.Stderr, a.env.Now
	o.Ready = func(url string) { a.warnf("slipway: serving %s at %s", o.Storage, url) }
	return a.env.Backend.Serve(ctx, o)
}

// users reads the names and passwords.
func (f *serveFlags) users(getenv func(string) string) (map[string]string, error) {
	users := map[string]string{}
	if f.user != "" {
		if f.password == "" {
			f.password = getenv("BASIC_AUTH_PASS")
		}
		if f.password == "" {
			return nil, withHint(fmt.Errorf("user %s has no password", f.user), "give it in the environment variable BASIC_AUTH_PASS")
		}
		users[f.user] = f.password
	}
	if f.userFile == "" {
		return users, nil
	}
	text, err := readFile(f.userFile)
	if err != nil {
		return nil, err
	}
	n := 0
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		n++
		line := strings.TrimRight(lines.Text(), "\r")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, password, ok := strings.Cut(line, ":")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf("%s:%d: a line has to be NAME:PASSWORD", f.userFile, n)
		}
		users[name] = password
	}
	if len(users) == 0 {
		return nil, fmt.Errorf("%s has no users", f.userFile)
	}
	return users, nil
}
