package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
	"github.com/e6d26078/slipway/repo/oci"
)

const pushLong = `Push a packaged chart to an OCI registry, or to a repository with ChartMuseum's
routes, such as that of 'slipway serve': its URL, or its name in repositories.yaml.

In a registry the repository below REMOTE has the chart's name, the tag is its
version, with _ in the place of +. A provenance file beside the archive is pushed
with it; it has to be of this archive. The digest is the one that Helm gets for the
same files: it depends on the archive's time of change, which is in an annotation.

A registry's tag is replaced. A repository decides for itself; that the same archive
is there already is no error.

    slipway push web-1.2.3.tgz oci://registry.example.com/charts
    slipway push web-1.2.3.tgz https://charts.example.com`

// pushFlags are the flags of "push".
type pushFlags struct {
	access      accessFlags
	contextPath string
}

func newPush(a *app) *cobra.Command {
	var o pushFlags
	var format outputFormat
	cmd := &cobra.Command{
		Use:   "push CHART REMOTE",
		Short: "push a chart to a registry or repository",
		Long:  pushLong,
		Args:  exactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{oci.Scheme}, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			pushed, err := a.push(cmd.Context(), args[0], args[1], &o)
			if err != nil {
				return err
			}
			return a.printAs(format, pushed, func() (string, error) { return "", nil })
		},
	}
	o.access.register(cmd.Flags())
	cmd.Flags().StringVar(&o.contextPath, "context-path", "", "part of a repository's path that stands before /api")
	format.register(cmd.Flags())
	return cmd
}

// packaged is an archive with its provenance file, nil if there is none.
type packaged struct {
	archive, prov []byte
	modified      time.Time
}

func (a *app) push(ctx context.Context, path, remote string, o *pushFlags) (*pushedDoc, error) {
	p, err := readPackaged(path)
	if err != nil {
		return nil, err
	}
	if oci.Is(remote) {
		return a.pushToOCI(ctx, p, remote, o)
	}
	access, err := a.uploadAccess(&o.access, remote)
	if errors.Is(err, errNoRepository) {
		return nil, withHint(fmt.Errorf("scheme prefix missing from remote %q (e.g. %q)", withoutPassword(remote), oci.Scheme),
			"give oci://HOST/PATH, the URL of a repository, or a name of 'slipway repo list'")
	}
	if err != nil {
		return nil, err
	}
	return a.pushToServer(ctx, p, access, o.contextPath)
}

func readPackaged(path string) (*packaged, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file", path)
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, withHint(errors.New("cannot push directory, must provide chart archive (.tgz)"), "make one with 'slipway package'")
	}
	p := &packaged{modified: info.ModTime()}
	if p.archive, err = readFile(path); err != nil {
		return nil, err
	}
	switch p.prov, err = readFile(path + ".prov"); {
	case errors.Is(err, fs.ErrNotExist):
		p.prov = nil
		return p, nil
	case err != nil:
		return nil, err
	}
	return p, checkStatement(path, p.archive, p.prov)
}

func (a *app) pushToOCI(ctx context.Context, p *packaged, remote string, o *pushFlags) (*pushedDoc, error) {
	ref, err := oci.Parse(remote)
	if err != nil {
		return nil, err
	}
	c, err := a.registryClient(o.access.access())
	if err != nil {
		return nil, err
	}
	pushed, err := c.Push(ctx, ref, p.archive, oci.PushOptions{Provenance: p.prov, Created: p.modified})
	if err != nil {
		return nil, registryFailed(err)
	}
	a.toldOf("Pushed", pushed.Reference)
	return newPushedDoc(pushed), nil
}

// pushToServer uploads to a repository with ChartMuseum's routes.
func (a *app) pushToServer(ctx context.Context, p *packaged, access repo.Access, contextPath string) (*pushedDoc, error) {
	c, err := chart.LoadArchive(bytes.NewReader(p.archive))
	if err != nil {
		return nil, err
	}
	name := c.Name() + "-" + c.Metadata.Version + ".tgz"
	there, err := a.httpClient(0).Upload(ctx, access, repo.Upload{ContextPath: contextPath, Name: name, Archive: p.archive, Provenance: p.prov})
	if err != nil {
		return nil, fetchFailed(err)
	}
	digest := sha256Of(p.archive)
	pushed := &pushedDoc{Reference: strings.TrimSuffix(withoutPassword(access.URL), "/") + "/charts/" + name, Name: c.Name(), Version: c.Metadata.Version, Digest: digest, ArchiveDigest: digest}
	what := "Pushed"
	if there {
		what = "Is there already"
	}
	a.warnf("%s: %s\nDigest: %s", what, pushed.Reference, digest)
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

// pushedDoc is what was pushed as data. In a repository that is no registry there
// are no manifests; both digests are the archive's.
type pushedDoc struct {
	Reference     string `json:"reference"`
	Name          string `json:"name"`
	Version       string `json:"version"`
	Digest        string `json:"digest"`
	ArchiveDigest string `json:"archiveDigest"`
}

func newPushedDoc(p *oci.Pushed) *pushedDoc {
	return &pushedDoc{
		Reference: p.Reference.String(), Name: p.Metadata.Name, Version: p.Metadata.Version, Digest: p.Reference.Digest, ArchiveDigest: p.ArchiveDigest,
	}
}
