package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

const packageLong = `Package a chart folder into a versioned archive.

The archive depends on the chart's files alone: the same files give the same
bytes. The files in it are dated by SOURCE_DATE_EPOCH (seconds since 1970) when
that is set.

With --sign a provenance file (.prov) is written beside it, which 'slipway
verify', 'helm verify' and 'gpg --verify' check. The key is found and opened
before anything is written; archive and .prov file appear together.`

// packageOptions are the flags of "package".
type packageOptions struct {
	version, appVersion string
	destination         string
	dependencies        bool
	signing             signOptions
}

func newPackage(a *app) *cobra.Command {
	o := &packageOptions{}
	cmd := &cobra.Command{
		Use:   "package [CHART_PATH] [...]",
		Short: "package a chart directory into a chart archive",
		Long:  packageLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return withHint(errors.New("need at least one argument, the path to the chart"), "an example: slipway package ./mychart")
			}
			return a.runPackage(cmd.Context(), o, args)
		},
	}
	o.register(cmd.Flags())
	return cmd
}

func (o *packageOptions) register(f *pflag.FlagSet) {
	f.StringVar(&o.version, "version", "", "set the version on the chart to this semver version")
	f.StringVar(&o.appVersion, "app-version", "", "set the appVersion on the chart to this version")
	f.StringVarP(&o.destination, "destination", "d", ".", "location to write the chart.")
	f.BoolVarP(&o.dependencies, "dependency-update", "u", false, `update dependencies from "Chart.yaml" to dir "charts/" before packaging`)
	o.signing.register(f)
	addConnectionFlags(f)
}

func (a *app) runPackage(ctx context.Context, o *packageOptions, folders []string) error {
	modified, err := a.sourceDate()
	if err != nil {
		return err
	}
	signer, err := a.newSigner(ctx, &o.signing)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		path, err := a.packageFolder(ctx, o, folder, modified, signer)
		if err != nil {
			return err
		}
		if err := a.print(fmt.Sprintf("Successfully packaged chart and saved it to: %s\n", path)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) packageFolder(ctx context.Context, o *packageOptions, folder string, modified time.Time, signer provenance.Signer) (string, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", withHint(fmt.Errorf("%s is not a folder", folder), "name the folder that holds Chart.yaml")
	}
	if o.dependencies { // quietly, as in Helm: scripts take the path from the output
		if err := a.fetchDependencies(ctx, &dependencyFlags{quiet: true}, false, folder); err != nil {
			return "", err
		}
	}
	c, err := chart.Loader{Warn: a.warn}.LoadDir(folder)
	if err != nil {
		return "", err
	}
	repo.WithoutTreeLock(c)
	if o.version != "" {
		c.Metadata.Version = o.version
	}
	if _, err := semver.NewVersion(c.Metadata.Version); err != nil {
		return "", withHint(fmt.Errorf("chart version %q: %w", c.Metadata.Version, err), "versions look like 1.2.3, 1.2.3-rc.1 or 1.2.3+build")
	}
	if o.appVersion != "" {
		c.Metadata.AppVersion = o.appVersion
	}
	if err := checkDependencies(c); err != nil {
		return "", err
	}
	destination := o.destination
	if destination == "." {
		if destination, err = os.Getwd(); err != nil {
			return "", machineFault(err)
		}
	}
	save := chart.SaveOptions{ModTime: modified}
	if signer != nil {
		return saveSigned(ctx, c, destination, save, signer)
	}
	path, err := chart.SaveFile(c, destination, save)
	if err != nil {
		return "", fmt.Errorf("failed to save: %w", err)
	}
	return path, nil
}

// sourceDate reads SOURCE_DATE_EPOCH. The zero time means that it is not set.
func (a *app) sourceDate() (time.Time, error) {
	text := strings.TrimSpace(a.env.Getenv("SOURCE_DATE_EPOCH"))
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, withHint(fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds since 1970", text), "an example: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
