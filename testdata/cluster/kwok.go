package main

import (
	"context"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/lifecycle"
	kwoksignals "sigs.k8s.io/kwok/pkg/utils/signals"
)

// kwok runs KWOK's controller, which plays the kubelet's part, with the flags in os.Args.
func kwok() error {
	if err := registerExactDeletions(); err != nil {
		return err
	}
	if err := learnTypes(); err != nil {
		return err
	}
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := log.InitFlags(kwoksignals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err != nil {
		return err
	}
	command := cmd.NewCommand(ctx)
	pflag.CommandLine = pflag.NewFlagSet("kwok", pflag.ContinueOnError) // Kubernetes' packages have put flags of their own there
	command.PersistentFlags().AddFlagSet(flags)
	return command.ExecuteContext(ctx)
}

// learnTypes has the types of expressions looked up once, before there is more than
// one goroutine: the library of KWOK's expressions keeps them in maps without a lock,
// and now and then the controllers, which start together, would end in "concurrent map
// writes". Afterwards they only read.
func learnTypes() error {
	for _, resource := range []any{&corev1.Node{}, &corev1.Pod{}, &unstructured.Unstructured{}} {
		all := &internalversion.Stage{Spec: internalversion.StageSpec{Selector: &internalversion.StageSelector{}}}
		stages, err := lifecycle.NewLifecycle([]*internalversion.Stage{all})
		if err != nil {
			return err
		}
		if _, err := stages.Match(context.Background(), &lifecycle.Event{Data: resource}); err != nil {
			return err
		}
	}
	return nil
}
