package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

const (
	defaultNamespace = "default"
	// serviceAccount is where a pod finds its token and its namespace.
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// namespace is the release's namespace: that of the flag or of HELM_NAMESPACE,
// else that of the current context of the kubeconfig files, else in a pod the
// pod's, else "default". These are the rules of kubectl, which Helm uses; a
// kubeconfig that cannot be read counts as none.
func (a *app) namespace() string {
	if a.flags.namespace != "" {
		return a.flags.namespace
	}
	namespace, usable := a.contextNamespace()
	switch {
	case !usable:
		return defaultNamespace
	case namespace != "":
		return namespace
	case a.inCluster():
		return a.podNamespace()
	}
	return defaultNamespace
}

// contextNamespace looks the namespace up in the kubeconfig files. It is empty
// when they do not say; usable is false when they contradict themselves.
func (a *app) contextNamespace() (namespace string, usable bool) {
	current := a.flags.kubeContext
	contexts := map[string]string{}
	for _, name := range a.kubeconfigs() {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		config, err := yaml.DecodeMap(data)
		if err != nil {
			return "", false
		}
		if current == "" {
			current, _ = config["current-context"].(string)
		}
		list, _ := config["contexts"].([]any)
		for _, entry := range list {
			entry, _ := entry.(map[string]any)
			name, _ := entry["name"].(string)
			if _, known := contexts[name]; known {
				continue
			}
			context, _ := entry["context"].(map[string]any)
			contexts[name], _ = context["namespace"].(string)
		}
	}
	namespace, known := contexts[current]
	return namespace, known || current == ""
}

// kubeconfigs lists the files in which kubectl looks, the most important first.
func (a *app) kubeconfigs() []string {
	if a.flags.kubeconfig != "" {
		return []string{a.flags.kubeconfig}
	}
	if list := a.env.Getenv("KUBECONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return []string{filepath.Join(home, ".kube", "config")}
}

func (a *app) inCluster() bool {
	if a.env.Getenv("KUBERNETES_SERVICE_HOST") == "" || a.env.Getenv("KUBERNETES_SERVICE_PORT") == "" {
		return false
	}
	info, err := os.Stat(filepath.Join(serviceAccount, "token"))
	return err == nil && !info.IsDir()
}

func (a *app) podNamespace() string {
	if namespace := a.env.Getenv("POD_NAMESPACE"); namespace != "" {
		return namespace
	}
	data, err := os.ReadFile(filepath.Join(serviceAccount, "namespace"))
	if namespace := strings.TrimSpace(string(data)); err == nil && namespace != "" {
		return namespace
	}
	return defaultNamespace
}
