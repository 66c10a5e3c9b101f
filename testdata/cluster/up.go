package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// startTimeout bounds the start of a cluster; it takes seconds, on a loaded machine many.
const startTimeout = 3 * time.Minute

// up runs a cluster until a signal comes or, if so asked, standard input closes.
func up(args []string) error {
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "file to write when the cluster is ready")
	dir := flags.String("dir", "", "directory for the cluster's data, missing or empty; removed at the end (default: a temporary one)")
	untilStdin := flags.Bool("until-stdin-closes", false, "end when standard input closes, too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *kubeconfig == "" || flags.NArg() > 0 {
		return errors.New("up wants --kubeconfig FILE and no arguments")
	}
	ctx, stop := signals()
	defer stop()
	if *untilStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	work, err := workDir(*dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	c, err := newChildren(work)
	if err != nil {
		return err
	}
	defer c.stop()
	return run(ctx, c, work, *kubeconfig)
}

// workDir makes the directory that is removed at the end, so it takes none that holds anything.
func workDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "cluster-")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty", dir)
	}
	return dir, nil
}

// run starts all components, says that they are ready, and waits until ctx is done or one of them ends.
func run(ctx context.Context, c *children, dir, kubeconfig string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case p := <-c.ended:
			cancel(p.ended())
		case <-ctx.Done():
		}
	}()
	k, err := newKeys(dir)
	if err != nil {
		return err
	}
	starting, done := context.WithTimeout(ctx, startTimeout)
	defer done()
	address, err := start(starting, c, k, dir)
	if err != nil {
		return explain(ctx, fmt.Errorf("start the cluster: %w", err))
	}
	if err := writeKubeconfig(kubeconfig, address, k); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	defer os.Remove(kubeconfig)
	fmt.Println("ready")
	<-ctx.Done()
	return explain(ctx, ctx.Err())
}

// explain prefers the end of a component, where there is one, to what came of it.
func explain(ctx context.Context, err error) error {
	if ended, ok := errors.AsType[*endedError](context.Cause(ctx)); ok {
		return ended
	}
	if ctx.Err() != nil {
		return context.Canceled
	}
	return err
}

// start starts all components and returns the address of the API server once pods run and Services have endpoints.
func start(ctx context.Context, c *children, k *keys, dir string) (string, error) {
	var addresses [3]string
	for i := range addresses {
		address, err := reservePort()
		if err != nil {
			return "", err
		}
		addresses[i] = address
	}
	store, peer, api := addresses[0], addresses[1], addresses[2]
	err := c.start("etcd", "--data-dir", filepath.Join(dir, "etcd"), "--remove", dir,
		"--listen-client-url", "http://"+store, "--listen-peer-url", "http://"+peer)
	if err != nil {
		return "", err
	}
	if err := c.start("kube-apiserver", apiServerFlags(k, store, api)...); err != nil {
		return "", err
	}
	internal := filepath.Join(dir, internalKubeconfig)
	if err := writeKubeconfig(internal, api, k); err != nil {
		return "", err
	}
	config, err := clientcmd.BuildConfigFromFlags("", internal)
	if err != nil {
		return "", err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", err
	}
	kubelet, err := serveLogs(client, k)
	if err != nil {
		return "", err
	}
	if err := awaitServer(ctx, client); err != nil {
		return "", err
	}
	if err := startControllers(c, k, dir); err != nil {
		return "", err
	}
	if err := addNode(ctx, client, kubelet); err != nil {
		return "", err
	}
	return api, tryPod(ctx, client)
}
