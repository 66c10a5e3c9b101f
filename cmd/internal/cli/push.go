package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo/oci"
)

const pushLong = `Push a packaged chart to an OCI registry.

The repository below REMOTE has the chart's name, the tag is its version, with _
in the place of +. A provenance file beside the archive is pushed with it; it
has to be of this archive. The digest is the one that Helm gets for the same
files: it depends on the archive's time of change, which is in an annotation.

    slipway push web-1.2.3.tgz oci://registry.example.com/charts`

func newPush(a *app) *cobra.Command {
	var o accessFlags
	var format outputFormat
	cmd := &cobra.Command{
		Use:   "push CHART REMOTE",
		Short: "push a chart to a registry",
		Long:  pushLong,
		Args:  exactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{oci.Scheme}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			pushed, err := a.push(cmd.Context(), args[0], args[1], o)
			if err != nil {
				return err
			}
			a.toldOf("Pushed", pushed.Reference)
			return a.printAs(format, newPushedDoc(pushed), func() (string, error) { return "", nil })
		},
	}
	o.register(cmd.Flags())
	format.register(cmd.Flags())
	return cmd
}

func (a *app) push(ctx context.Context, path, remote string, o accessFlags) (*oci.Pushed, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, withHint(errors.New("cannot push directory, must provide chart archive (.tgz)"), "make one with 'slipway package'")
	case !oci.Is(remote):
		return nil, withHint(fmt.Errorf("scheme prefix missing from remote %q (e.g. %q)", withoutPassword(remote), oci.Scheme), "charts are pushed to OCI registries: oci://HOST/PATH")
	}
	ref, err := oci.Parse(remote)
	if err != nil {
		return nil, err
	}
	archive, err := readFile(path)
	if err != nil {
		return nil, err
	}
	prov, err := readFile(path + ".prov")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		prov = nil
	} else if err := checkStatement(path, archive, prov); err != nil {
		return nil, err
	}
	c, err := a.registryClient(o.access())
	if err != nil {
		return nil, err
	}
	pushed, err := c.Push(ctx, ref, archive, oci.PushOptions{Provenance: prov, Created: info.ModTime()})
	if err != nil {
		return nil, registryFailed(err)
	}
	return pushed, nil
}

// checkStatement finds out a .prov file that is not of this archive (#DIFFERS
// Helm pushes any). Whose signature it has is for those to judge who pull it.
func checkStatement(path string, archive, prov []byte) error {
	statement, err := provenance.Parse(prov)
	if err == nil {
		err = statement.Check(filepath.Base(path), archive)
	}
	if err != nil {
		return withHint(fmt.Errorf("%s.prov: %w", path, err), "sign the archive again, or move the .prov file away to push without one")
	}
	return nil
}

// pushedDoc is what was pushed as data.
type pushedDoc struct {
	Reference     string `json:"reference"`
	Name          string `json:"name"`
	Version       string `json:"version"`
	Digest        string `json:"digest"`
	ArchiveDigest string `json:"archiveDigest"`
}

func newPushedDoc(p *oci.Pushed) pushedDoc {
	return pushedDoc{
		Reference: p.Reference.String(), Name: p.Metadata.Name, Version: p.Metadata.Version, Digest: p.Reference.Digest, ArchiveDigest: p.ArchiveDigest,
	}
}
