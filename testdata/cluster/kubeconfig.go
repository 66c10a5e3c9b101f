package main

import (
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig with a context for each user, admin's the current one. Readers see all of the file
// or none of it; only its owner can read it.
func writeKubeconfig(file, address string, k *keys) error {
	c := api.NewConfig()
	c.Clusters["test"] = &api.Cluster{Server: "https://" + address, CertificateAuthorityData: k.authority}
	for _, user := range users() {
		c.AuthInfos[user] = &api.AuthInfo{Token: k.tokens[user]}
		c.Contexts[user] = &api.Context{Cluster: "test", AuthInfo: user, Namespace: "default"}
	}
	c.CurrentContext = "admin"
	text, err := clientcmd.Write(*c)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), ".kubeconfig-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	if _, err := temporary.Write(text); err != nil {
		_ = temporary.Close()
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
