package main

import (
	"net"
	"os"
	"path/filepath"
)

// internalKubeconfig is the file in the data directory by which the components find the API server.
const internalKubeconfig = "kubeconfig.internal"

func apiServerFlags(k *keys, store, address string) []string {
	_, port, _ := net.SplitHostPort(address)
	return []string{
		"--etcd-servers=http://" + store,
		"--bind-address=127.0.0.1", "--secure-port=" + port, "--permit-port-sharing",
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + k.certificate, "--tls-private-key-file=" + k.private,
		"--service-cluster-ip-range=10.0.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + k.serviceAccount, "--service-account-signing-key-file=" + k.serviceAccount,
		"--token-auth-file=" + k.tokenFile, "--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount",
		"--kubelet-preferred-address-types=InternalIP",
	}
}

// startControllers starts what works through the API server. Their limits on requests are lifted: with the usual ones
// it is they, and not the tool under test, that set the pace.
func startControllers(c *children, k *keys, dir string) error {
	kubeconfig := "--kubeconfig=" + filepath.Join(dir, internalKubeconfig)
	err := c.start("kube-controller-manager", kubeconfig,
		"--service-account-private-key-file="+k.serviceAccount,
		"--leader-elect=false", "--secure-port=0",
		"--controllers=*,-nodeipam,-nodelifecycle",
		"--kube-api-qps=2000", "--kube-api-burst=4000",
		"--concurrent-deployment-syncs=20", "--concurrent-replicaset-syncs=20")
	if err != nil {
		return err
	}
	err = c.start("kube-scheduler", kubeconfig,
		"--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=2000", "--kube-api-burst=4000")
	if err != nil {
		return err
	}
	stages := filepath.Join(dir, "stages.yaml")
	if err := os.WriteFile(stages, stagesYAML(), 0o600); err != nil {
		return err
	}
	exact := filepath.Join(dir, "kubeconfig.kwok")
	if err := withExactDeletions(filepath.Join(dir, internalKubeconfig), exact); err != nil {
		return err
	}
	return c.start("kwok", "--kubeconfig="+exact, "--config="+stages, "--manage-all-nodes",
		"--cidr=10.128.0.0/9", "--node-ip=127.0.0.1", "--node-lease-duration-seconds=0")
}
