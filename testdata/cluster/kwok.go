package main

import (
	"github.com/spf13/pflag"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	kwoksignals "sigs.k8s.io/kwok/pkg/utils/signals"
)

// kwok runs KWOK's controller, which plays the kubelet's part, with the flags in os.Args.
func kwok() error {
	if err := registerExactDeletions(); err != nil {
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
