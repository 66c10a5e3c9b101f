package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/repo"
)

// downloaderPlugin is a plugin of Helm that fetches URLs of other schemes than
// http, https and oci. Of plugins of other kinds nothing is used.
type downloaderPlugin struct {
	name, dir string
	command   []string // the program, relative to dir, and its arguments
	protocols []string
	expand    bool  // replace variables in the program's name, as Helm 4 does
	fault     error // why it cannot be run, if so
}

// pluginFolders are where Helm looks for plugins.
func (a *app) pluginFolders() (string, error) {
	if dirs := a.env.Getenv("HELM_PLUGINS"); dirs != "" {
		return dirs, nil
	}
	data, err := a.helmFolder("HELM_DATA_HOME", "XDG_DATA_HOME", filepath.Join(".local", "share"), "Library", "APPDATA")
	return filepath.Join(data, "plugins"), err
}

// downloader finds the plugin for a scheme, in Helm's order; nil if there is none.
func (a *app) downloader(scheme string) (*downloaderPlugin, error) {
	dirs, err := a.pluginFolders()
	if err != nil {
		return nil, err
	}
	for _, dir := range filepath.SplitList(dirs) {
		files, err := filepath.Glob(filepath.Join(dir, "*", "plugin.yaml"))
		if err != nil {
			return nil, fmt.Errorf("look for plugins in %s: %w", dir, err)
		}
		for _, file := range files {
			list, err := readPlugin(file)
			if err != nil {
				a.warnf("WARNING: a plugin of Helm is left out: %v", err)
				continue
			}
			for _, p := range list {
				if slices.Contains(p.protocols, scheme) {
					return &p, nil
				}
			}
		}
	}
	return nil, nil
}

// readPlugin gives the downloaders of a plugin.
func readPlugin(file string) ([]downloaderPlugin, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxPluginFile {
		err = fmt.Errorf("%s is larger than %d bytes", file, maxPluginFile)
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	list, err := parsePlugin(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range list {
		list[i].dir = filepath.Dir(file)
	}
	return list, nil
}

// otherScheme is what package repo asks for a scheme that it does not know.
func (a *app) otherScheme(scheme string) (repo.Downloader, error) {
	p, err := a.downloader(scheme)
	if err != nil || p == nil {
		return nil, err
	}
	return func(ctx context.Context, access repo.Access, url string, most int64) ([]byte, error) {
		return a.runDownloader(ctx, p, access, url, most)
	}, nil
}

// runDownloader runs a plugin by Helm's protocol: its arguments are those of its
// command, the files with certificate, key and CA, and the URL; what it prints is
// the content.
func (a *app) runDownloader(ctx context.Context, p *downloaderPlugin, access repo.Access, target string, most int64) ([]byte, error) {
	if p.fault != nil {
		return nil, fmt.Errorf("plugin %s in %s: %w", p.name, p.dir, p.fault)
	}
	environment, err := a.pluginEnvironment(p, access)
	if err != nil {
		return nil, err
	}
	program := p.command[0]
	if p.expand {
		program = os.Expand(program, func(name string) string { return lastOf(environment, name) })
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.dir, program), append(slices.Clone(p.command[1:]), access.CertFile, access.KeyFile, access.CAFile, target)...)
	out := &limitedBuffer{most: most, full: cancel}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, a.env.Stderr, 2*time.Second
	cmd.Env = environment
	err = cmd.Run()
	switch {
	case out.overflowed:
		return nil, fmt.Errorf("plugin %s: what it gives is larger than %d bytes", p.name, most)
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("plugin %s: %w", p.name, context.Cause(ctx))
	case errors.As(err, new(*exec.ExitError)):
		return nil, withHint(fmt.Errorf("plugin %q exited with error: %w", strings.Join(p.command, " "), err), "its message is above; the plugin is in "+p.dir)
	case err != nil:
		return nil, fmt.Errorf("run the plugin %s: %w", p.name, err)
	}
	return out.Bytes(), nil
}

// pluginEnvironment is that of this process with Helm's variables for plugins.
func (a *app) pluginEnvironment(p *downloaderPlugin, access repo.Access) ([]string, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	dirs, err := a.pluginFolders()
	if err != nil {
		return nil, err
	}
	config, err1 := a.helmFolder("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", ".config", "Library/Preferences", "APPDATA")
	cache, err2 := a.helmFolder("HELM_CACHE_HOME", "XDG_CACHE_HOME", ".cache", "Library/Caches", "TEMP")
	data, err3 := a.helmFolder("HELM_DATA_HOME", "XDG_DATA_HOME", filepath.Join(".local", "share"), "Library", "APPDATA")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	registry := a.flags.registryConfig
	if registry == "" {
		registry = a.env.Getenv("HELM_REGISTRY_CONFIG")
	}
	if registry == "" {
		registry = filepath.Join(config, "registry", "config.json")
	}
	g := &a.flags
	env := append(os.Environ(),
		"HELM_BIN="+os.Args[0], "HELM_CACHE_HOME="+cache, "HELM_CONFIG_HOME="+config, "HELM_DATA_HOME="+data,
		"HELM_DEBUG="+strconv.FormatBool(g.debug), "HELM_PLUGINS="+dirs, "HELM_PLUGIN_NAME="+p.name, "HELM_PLUGIN_DIR="+p.dir,
		"HELM_REGISTRY_CONFIG="+registry, "HELM_REPOSITORY_CACHE="+home.Cache, "HELM_REPOSITORY_CONFIG="+home.Config,
		"HELM_NAMESPACE="+a.namespace(), "HELM_KUBECONTEXT="+g.kubeContext, "HELM_KUBETOKEN="+g.token, "HELM_KUBEASUSER="+g.asUser,
		"HELM_KUBEASGROUPS="+strings.Join(g.asGroups, ","), "HELM_KUBEAPISERVER="+g.apiServer, "HELM_KUBECAFILE="+g.caFile,
		"HELM_KUBEINSECURE_SKIP_TLS_VERIFY="+strconv.FormatBool(g.insecure), "HELM_KUBETLS_SERVER_NAME="+g.tlsServerName,
		"HELM_PLUGIN_USERNAME="+access.Username, "HELM_PLUGIN_PASSWORD="+access.Password,
		"HELM_PLUGIN_PASS_CREDENTIALS_ALL="+strconv.FormatBool(access.PassCredentials))
	if g.kubeconfig != "" {
		env = append(env, "KUBECONFIG="+g.kubeconfig)
	}
	return env, nil
}

// lastOf gives the value of a variable, "" if there is none.
func lastOf(environment []string, name string) string {
	for _, one := range slices.Backward(environment) {
		if value, is := strings.CutPrefix(one, name+"="); is {
			return value
		}
	}
	return ""
}

// limitedBuffer keeps up to a number of bytes, and calls full when there are more.
type limitedBuffer struct {
	bytes.Buffer
	most       int64
	overflowed bool
	full       func()
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if int64(b.Len()+len(p)) > b.most {
		if !b.overflowed {
			b.overflowed = true
			b.full()
		}
		return 0, errors.New("too much")
	}
	return b.Buffer.Write(p)
}

// readValuesFile reads a file with values, or has a plugin fetch what is named by
// a scheme of its own, such as secrets://.
func (a *app) readValuesFile(ctx context.Context, name string) ([]byte, error) {
	u, err := url.Parse(name)
	if !strings.Contains(name, "://") || err != nil || u.Scheme == "" {
		return readFile(name)
	}
	p, err := a.downloader(u.Scheme)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return readFile(name)
	}
	return a.runDownloader(ctx, p, repo.Access{}, name, maxInput)
}
