package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/provenance"
	"github.com/e6d26078/slipway/repo"
)

const bundleLong = `Put charts, the archives that they are made of, their provenance files and the
list of images that they need into one file, for a site without a network.

    slipway bundle example/web ./shop -f prod.yaml -o bundle.tgz
    slipway bundle verify bundle.tgz --keyring keys.asc
    slipway bundle push bundle.tgz oci://registry.inside.example.com/charts
    slipway bundle push bundle.tgz https://charts.inside.example.com

A CHART is what other commands take: a folder, which is packaged, with the
archives in its charts/; a .tgz, with the .prov file beside it; REPO/CHART, a URL,
or oci://. The images are those that the charts name when they are rendered with
the given values, which are the same for all of them, and in their annotation
artifacthub.io/images; --image adds others. They are listed, in images.txt and
for each chart, and not in the file themselves.

The same charts and values give the same bytes. It is a tar file: what is in it
can be had without slipway too.`

// bundleOptions are the flags of "bundle".
type bundleOptions struct {
	templateOptions
	output   string
	images   []string
	noRender bool
}

func newBundle(a *app) *cobra.Command {
	o := &bundleOptions{}
	cmd := &cobra.Command{
		Use:               "bundle CHART... -o FILE",
		Short:             "put charts and what they need into one file for a site without a network",
		Long:              bundleLong,
		Args:              minimumArgs(1),
		ValidArgsFunction: a.completeCharts,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.runBundle(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "the file to write")
	f.StringSliceVar(&o.images, "image", nil, "another image for the list (can specify multiple)")
	f.BoolVar(&o.noRender, "no-render", false, "do not render the charts; the list has the images of --image")
	f.StringVar(&o.kubeVersion, "kube-version", "", "Kubernetes version used for Capabilities.KubeVersion")
	f.StringSliceVarP(&o.apiVersions, "api-versions", "a", nil, "Kubernetes api versions used for Capabilities.APIVersions")
	o.chartInput.register(f)
	cmd.AddCommand(newBundleVerify(a), newBundlePush(a))
	return cmd
}

func (a *app) runBundle(ctx context.Context, o *bundleOptions, names []string) error {
	switch {
	case o.output == "":
		return withHint(errors.New("no file to write"), "name one with --output, such as -o bundle.tgz")
	case len(names) > 1 && (o.chart.version != "" || o.chart.digest != ""):
		return withHint(errors.New("--version and --digest are for one chart"), "of several charts name the versions: oci://HOST/CHART:1.2.3, or the URL of the archive")
	}
	var inputs []repo.BundleInput
	for _, name := range names {
		more, err := a.bundled(ctx, o, name)
		if err != nil {
			return err
		}
		inputs = append(inputs, more...)
	}
	b, inputs, err := repo.NewBundle(inputs, o.images)
	if err != nil {
		return err
	}
	digest, err := writeBundle(o.output, b, inputs)
	if err != nil {
		return err
	}
	return a.print(bundleText(b, nil) + fmt.Sprintf("%s  %s\n", digest, o.output))
}

// writeBundle writes the file, which appears complete or not at all, and gives its digest.
func writeBundle(path string, b *repo.Bundle, inputs []repo.BundleInput) (digest string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) // gone after the rename
	sum := sha256.New()
	err = repo.WriteBundle(io.MultiWriter(f, sum), b, inputs)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), os.Rename(f.Name(), path)
}

// bundled gives a chart, with its dependencies before it.
func (a *app) bundled(ctx context.Context, o *bundleOptions, name string) ([]repo.BundleInput, error) {
	path, in, err := a.bundledArchive(ctx, o, name)
	if err != nil {
		return nil, err
	}
	var inputs []repo.BundleInput
	if isFolder(path) {
		if inputs, err = a.bundledFolder(ctx, o, path, in); err != nil {
			return nil, err
		}
	}
	c, err := chart.LoadArchive(bytes.NewReader(in.Archive))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := chart.CheckDependencies(c); err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", name, err), "unpack it, and run 'slipway dependency build' and 'slipway bundle' on the folder")
	}
	if in.Images, err = a.bundledImages(ctx, o, c, path); err != nil {
		return nil, withHint(fmt.Errorf("list the images of %s: %w", name, err), "give the values that it needs, or --no-render and the images by --image")
	}
	return append(inputs, *in), nil
}

// bundledArchive finds a chart. Of a folder, whose path it gives, there is no archive yet.
func (a *app) bundledArchive(ctx context.Context, o *bundleOptions, name string) (path string, in *repo.BundleInput, err error) {
	if _, err := os.Stat(name); err == nil {
		if isFolder(name) {
			return name, &repo.BundleInput{}, nil
		}
		if o.chart.verify {
			if _, err := a.verifyChart(ctx, name, verifyOptions{keyring: o.chart.keyring}); err != nil {
				return "", nil, err
			}
		}
		in, err := localBundled(name)
		return name, in, err
	}
	if o.chart.repo == "" && !isReference(name) {
		return "", nil, withHint(fmt.Errorf("path %q not found", name), "give the path of a chart folder or of a .tgz, REPO/CHART, or a URL")
	}
	p, err := a.fetchChart(ctx, name, o.chart)
	if err != nil {
		return "", nil, err
	}
	s, err := a.source(o.chart.offline)
	if err != nil {
		return "", nil, err
	}
	in = &repo.BundleInput{File: p.Name, Source: repo.Redacted(p.URL)}
	if in.Archive, err = readFile(p.Path); err != nil {
		return "", nil, err
	}
	in.Provenance, err = s.Provenance(ctx, p)
	if errors.Is(err, repo.ErrNoProvenance) {
		return p.Path, in, nil
	}
	if err == nil {
		err = checkStatement(in.File, in.Archive, in.Provenance)
	}
	return p.Path, in, err
}

// localBundled reads an archive and the .prov file beside it, which has to be of it.
func localBundled(path string) (*repo.BundleInput, error) {
	in := &repo.BundleInput{File: filepath.Base(path)}
	var err error
	if in.Archive, err = readFile(path); err != nil {
		return nil, err
	}
	in.Provenance, err = readFile(path + ".prov")
	if errors.Is(err, fs.ErrNotExist) {
		in.Provenance = nil
		return in, nil
	}
	if err != nil {
		return nil, err
	}
	return in, checkStatement(path, in.Archive, in.Provenance)
}

// bundledFolder packages a folder, and gives the archives in its charts/.
func (a *app) bundledFolder(ctx context.Context, o *bundleOptions, folder string, in *repo.BundleInput) ([]repo.BundleInput, error) {
	if o.chart.verify {
		return nil, withHint(errors.New("unpacked charts cannot be verified"), "package and sign it: 'slipway package --sign'")
	}
	c, err := chart.Loader{Warn: a.warn}.LoadDir(folder)
	if err == nil && o.dependencies && chart.CheckDependencies(c) != nil {
		if err := a.updateDependencies(ctx, folder, &o.chart); err != nil {
			return nil, err
		}
		c, err = chart.Loader{Warn: a.warn}.LoadDir(folder)
	}
	if err != nil {
		return nil, err
	}
	if err := checkDependencies(c); err != nil {
		return nil, err
	}
	repo.WithoutTreeLock(c)
	var out bytes.Buffer
	if err := chart.Save(c, &out, chart.SaveOptions{}); err != nil {
		return nil, err
	}
	in.File, in.Archive = c.Name()+"-"+c.Metadata.Version+".tgz", out.Bytes()
	archives, err := filepath.Glob(filepath.Join(folder, "charts", "*.tgz"))
	if err != nil {
		return nil, err
	}
	slices.Sort(archives)
	var inputs []repo.BundleInput
	for _, path := range archives {
		one, err := localBundled(path)
		if err != nil {
			return nil, err
		}
		one.Dependency = true
		inputs = append(inputs, *one)
	}
	return inputs, nil
}

// bundleText is a line for each chart, and what was found out of its signature.
func bundleText(b *repo.Bundle, signed map[string]*provenance.Verification) string {
	var out strings.Builder
	for _, c := range b.Charts {
		note := "not signed"
		if c.Provenance != nil {
			note = "signed"
		}
		if v := signed[c.Archive.Path]; v != nil {
			note = "signed by " + printable(strings.Join(v.SignedBy, ", ")) + " " + v.Fingerprint
		}
		if c.Dependency {
			note += ", a dependency"
		}
		fmt.Fprintf(&out, "%s %s %s (%s)\n", c.Name, c.Version, c.Archive.Digest, note)
	}
	fmt.Fprintf(&out, "%d charts, %d images\n", len(b.Charts), len(b.Images))
	return out.String()
}
