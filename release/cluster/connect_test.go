package cluster

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoContexts = `
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: a, user: u, namespace: here}}
- {name: two, context: {cluster: b, user: u}}
clusters:
- {name: a, cluster: {server: "https://a.example"}}
- {name: b, cluster: {server: "https://b.example"}}
users:
- {name: u, user: {token: from-file}}
`

func TestWhatIsGivenWinsOverTheKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(twoContexts), 0o600); err != nil {
		t.Fatal(err)
	}
	type connection struct {
		Host, Token, User, ServerName, CAFile, Namespace string
		Groups                                           []string
		Insecure                                         bool
	}
	for name, test := range map[string]struct {
		options ConnectOptions
		want    connection
	}{
		"nothing":             {ConnectOptions{}, connection{Host: "https://a.example", Token: "from-file", Namespace: "here"}},
		"a context":           {ConnectOptions{Context: "two"}, connection{Host: "https://b.example", Token: "from-file", Namespace: "default"}},
		"a namespace":         {ConnectOptions{Namespace: "mine"}, connection{Host: "https://a.example", Token: "from-file", Namespace: "mine"}},
		"a token":             {ConnectOptions{Token: "t"}, connection{Host: "https://a.example", Token: "t", Namespace: "here"}},
		"a user and groups":   {ConnectOptions{AsUser: "ann", AsGroups: []string{"g", "h"}}, connection{Host: "https://a.example", Token: "from-file", Namespace: "here", User: "ann", Groups: []string{"g", "h"}}},
		"an API server":       {ConnectOptions{APIServer: "https://c.example"}, connection{Host: "https://c.example", Token: "from-file", Namespace: "here"}},
		"a server name":       {ConnectOptions{TLSServerName: "s"}, connection{Host: "https://a.example", Token: "from-file", Namespace: "here", ServerName: "s"}},
		"an authority":        {ConnectOptions{CAFile: path}, connection{Host: "https://a.example", Token: "from-file", Namespace: "here", CAFile: path}},
		"no check of servers": {ConnectOptions{InsecureSkipTLSVerify: true}, connection{Host: "https://a.example", Token: "from-file", Namespace: "here", Insecure: true}},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.Kubeconfig = path
			config, err := test.options.RESTConfig()
			if err != nil {
				t.Fatal(err)
			}
			namespace, err := test.options.CurrentNamespace()
			if err != nil {
				t.Fatal(err)
			}
			got := connection{
				Host: config.Host, Token: config.BearerToken, User: config.Impersonate.UserName, Groups: config.Impersonate.Groups,
				ServerName: config.TLSClientConfig.ServerName, CAFile: config.CAFile, Insecure: config.Insecure, Namespace: namespace,
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for name, options := range map[string]ConnectOptions{
		"a context that is not there": {Kubeconfig: path, Context: "three"},
		"a file that is not there":    {Kubeconfig: path + "x"},
	} {
		if _, err := Connect(options, Options{}); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestAConnectionIsNotThrottledAndSaysWhoItIs(t *testing.T) {
	client, err := Connect(ConnectOptions{APIServer: "https://a.example"}, Options{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	config := client.Config()
	if config.QPS >= 0 || config.RateLimiter != nil || config.UserAgent != "slipway/1.2.3" {
		t.Errorf("%v %v %q", config.QPS, config.RateLimiter, config.UserAgent)
	}
}
