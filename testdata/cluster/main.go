// Command cluster is a Kubernetes control plane for tests, in one binary: etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler and KWOK, which stands in for the kubelets. `cluster up` runs all of them on 127.0.0.1 with a data
// directory that goes when it ends. README.md says what such a cluster can do.
//
//	cluster up --kubeconfig FILE [--dir DIR] [--until-stdin-closes]
//
// The other sub-commands are the components, which `up` starts as child processes of itself; they take the flags of the
// programs they are named after and end when their standard input closes, so that none of them outlives `up`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	if name == "up" {
		exitOn(up(os.Args[1:]))
		return
	}
	switch name {
	case "etcd":
		exitOn(etcd(os.Args[1:]))
	case "kube-apiserver":
		component(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		component(controllermanager.NewControllerManagerCommand())
	case "kube-scheduler":
		component(scheduler.NewSchedulerCommand())
	case "kwok":
		endWithParent(nil)
		exitOn(kwok())
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: cluster up --kubeconfig FILE [--dir DIR] [--until-stdin-closes]\n"+
		"       cluster etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kwok [flag...]")
	os.Exit(2)
}

func component(command *cobra.Command) {
	endWithParent(nil)
	os.Exit(cli.Run(command))
}

// endWithParent ends this process when its standard input closes: the parent holds the other end of that pipe, and the
// kernel closes it however the parent ends. Before that it calls last, if there is one.
func endWithParent(last func()) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		if last != nil {
			last()
		}
		os.Exit(1)
	}()
}

func exitOn(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// signals is done at the first SIGINT or SIGTERM.
func signals() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}
