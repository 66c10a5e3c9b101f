package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/engine"
)

// version is set by the linker in released binaries; otherwise the version
// that the Go tool recorded is taken.
var version string

// followedHelm4 is the Helm 4 release that --compat helm4 follows.
const followedHelm4 = "v4.3.1"

// buildInfo is what "version" shows; the fields are those of --template.
type buildInfo struct {
	Version      string // of slipway
	HelmVersion  string // the Helm 3 release that slipway follows
	Helm4Version string // the Helm 4 release that --compat helm4 follows
	GitCommit    string
	GitTreeState string // clean or dirty
	GoVersion    string
}

const versionLong = `Show the version of slipway and of the Helm releases that it follows.

With --template these properties are available:

- .Version is the version of slipway
- .HelmVersion is the Helm 3 release that slipway follows
- .Helm4Version is the Helm 4 release that --compat helm4 follows
- .GitCommit is the commit that slipway was built from
- .GitTreeState is "clean", or "dirty" when there were local changes
- .GoVersion is the version of Go that slipway was built with

For example, --template='Version: {{.Version}}' prints 'Version: v1.0.0'.`

func newVersion(a *app) *cobra.Command {
	var short bool
	var format string
	cmd := &cobra.Command{
		Use:               "version",
		Short:             "print the version of slipway and the helm versions it follows",
		Long:              versionLong,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			info := readBuildInfo()
			switch {
			case format != "":
				return a.printVersion(format, info)
			case short && len(info.GitCommit) >= 7:
				return a.print(info.Version + "+g" + info.GitCommit[:7] + "\n")
			case short:
				return a.print(info.Version + "\n")
			}
			return a.print(info.String())
		},
	}
	cmd.Flags().BoolVar(&short, "short", false, "print the version number")
	cmd.Flags().StringVar(&format, "template", "", "template for version string format")
	cmd.Flags().BoolP("client", "c", true, "display client version information")
	cmd.Flags().Lookup("client").Hidden = true
	return cmd
}

func (a *app) printVersion(format string, info buildInfo) error {
	t, err := template.New("_").Parse(format)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, info); err != nil {
		return err
	}
	return a.print(text.String())
}

func (b buildInfo) String() string {
	text := "slipway " + b.Version
	if b.GitCommit != "" {
		text += fmt.Sprintf(", commit %s (%s)", b.GitCommit, b.GitTreeState)
	}
	return fmt.Sprintf("%s, %s\nfollows helm %s, with --compat helm4 helm %s\n", text, b.GoVersion, b.HelmVersion, b.Helm4Version)
}

func readBuildInfo() buildInfo {
	info := buildInfo{
		Version:      version,
		HelmVersion:  engine.DefaultCapabilities().HelmVersion.Version,
		Helm4Version: followedHelm4,
		GoVersion:    runtime.Version(),
	}
	build, ok := debug.ReadBuildInfo()
	if ok && info.Version == "" && build.Main.Version != "(devel)" {
		info.Version = build.Main.Version
	}
	if info.Version == "" {
		info.Version = "v0.0.0-devel"
	}
	if !ok {
		return info
	}
	for _, s := range build.Settings {
		switch {
		case s.Key == "vcs.revision":
			info.GitCommit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			info.GitTreeState = "dirty"
		case s.Key == "vcs.modified":
			info.GitTreeState = "clean"
		}
	}
	return info
}
