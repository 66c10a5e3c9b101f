package cluster

import (
	"fmt"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
)

// ConnectOptions say which cluster is meant and as whom, in the way Helm's
// flags and environment variables do. The zero value is the current context of
// the default kubeconfig. What is set here wins over the kubeconfig.
type ConnectOptions struct {
	Kubeconfig            string   // path; "" for $KUBECONFIG, or ~/.kube/config, or the service account of a pod
	Context               string   // HELM_KUBECONTEXT
	Namespace             string   // HELM_NAMESPACE
	Token                 string   // HELM_KUBETOKEN
	AsUser                string   // HELM_KUBEASUSER
	AsGroups              []string // HELM_KUBEASGROUPS
	APIServer             string   // HELM_KUBEAPISERVER
	CAFile                string   // HELM_KUBECAFILE
	TLSServerName         string   // HELM_KUBETLS_SERVER_NAME
	InsecureSkipTLSVerify bool     // HELM_KUBEINSECURE_SKIP_TLS_VERIFY
}

// Connect makes a client from a kubeconfig. It makes no request. The only
// environment variables that it reads are those that client-go's own rules for
// kubeconfig files do.
func Connect(o ConnectOptions, options Options) (*Client, error) {
	config, err := o.flags().ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	return New(config, options)
}

// RESTConfig is the configuration that Connect makes a client from.
func (o ConnectOptions) RESTConfig() (*rest.Config, error) {
	config, err := o.flags().ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	return config, nil
}

// CurrentNamespace is the namespace that a command works in: the one asked for,
// that of the context, or "default".
func (o ConnectOptions) CurrentNamespace() (string, error) {
	namespace, _, err := o.flags().ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("read kubeconfig: %w", err)
	}
	return namespace, nil
}

// flags are the options in the form that Kubernetes' own commands have them.
func (o ConnectOptions) flags() *genericclioptions.ConfigFlags {
	return &genericclioptions.ConfigFlags{
		KubeConfig:       &o.Kubeconfig,
		Context:          &o.Context,
		Namespace:        &o.Namespace,
		BearerToken:      &o.Token,
		Impersonate:      &o.AsUser,
		ImpersonateGroup: &o.AsGroups,
		APIServer:        &o.APIServer,
		CAFile:           &o.CAFile,
		TLSServerName:    &o.TLSServerName,
		Insecure:         &o.InsecureSkipTLSVerify,
	}
}
