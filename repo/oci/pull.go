package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/e6d26078/slipway/chart"
)

// Helm's media types.
const (
	configType     = "application/vnd.cncf.helm.config.v1+json"
	chartType      = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	oldChartType   = "application/tar+gzip" // before Helm 3.7
	provenanceType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
)

// PullOptions say what Pull fetches.
type PullOptions struct {
	// Version is a version or a constraint, if the reference has none.
	Version string
	// Provenance fetches the provenance file too, if there is one.
	Provenance bool
}

// Pulled is a chart of a registry. All digests have been verified.
type Pulled struct {
	Described
	Archive       []byte
	ArchiveDigest string
	Provenance    []byte // nil if there is none or it was not asked for
}

// Described is what a registry tells of a chart.
type Described struct {
	Reference Reference // with version and digest
	Metadata  *chart.Metadata
	Created   string // RFC 3339 as a rule, or ""
	Signed    bool   // there is a provenance file
}

// Pull fetches a chart.
func (c *Client) Pull(ctx context.Context, ref Reference, o PullOptions) (*Pulled, error) {
	ref, err := c.Resolve(ctx, ref, o.Version)
	if err != nil {
		return nil, err
	}
	r := c.open(ref)
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.describe(ctx, found)
	if err != nil {
		return nil, err
	}
	p := &Pulled{Described: *d, ArchiveDigest: found.archive.Digest.String()}
	what := d.Reference.String()
	if p.Archive, err = r.blob(ctx, found.archive, c.options.MaxArchive, "the archive of "+what); err != nil {
		return nil, err
	}
	if o.Provenance && found.provenance != nil {
		if p.Provenance, err = r.blob(ctx, *found.provenance, maxProvenance, "the provenance file of "+what); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Describe fetches what a registry tells of a chart, without the chart.
func (c *Client) Describe(ctx context.Context, ref Reference, version string) (*Described, error) {
	ref, err := c.Resolve(ctx, ref, version)
	if err != nil {
		return nil, err
	}
	r := c.open(ref)
	found, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	return r.describe(ctx, found)
}

// parts are the descriptors in the manifest of a chart.
type parts struct {
	digest      digest.Digest
	config      ocispec.Descriptor
	archive     ocispec.Descriptor
	provenance  *ocispec.Descriptor
	annotations map[string]string
}

// find reads the manifest that the reference names. If a digest and a version
// are given, and the version is there, it has to have that digest.
func (r *remoteRepository) find(ctx context.Context) (*parts, error) {
	ref := r.ref
	if ref.Digest == "" {
		return r.parts(ctx, ref.tag(), ref.String(), false)
	}
	found, err := r.parts(ctx, ref.Digest, ref.String(), false)
	if err != nil || ref.Version == "" {
		return found, err
	}
	data, _, _, err := r.manifest(ctx, ref.tag(), ref.String())
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	if tagged := found.digest.Algorithm().FromBytes(data); tagged != found.digest {
		return nil, &DigestError{What: "version " + ref.Version + " of " + ref.Repository, Want: ref.Digest, Got: string(tagged)}
	}
	return found, nil
}

// parts reads a manifest. An index (below says that one led here) may hold one chart.
func (r *remoteRepository) parts(ctx context.Context, tagOrDigest, what string, below bool) (*parts, error) {
	data, mediaType, d, err := r.manifest(ctx, tagOrDigest, what)
	if err != nil {
		return nil, err
	}
	if mediaType == ocispec.MediaTypeImageIndex && !below {
		found, err := r.partsOfIndex(ctx, data, what)
		if err != nil {
			return nil, err
		}
		found.digest = d
		return found, nil
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, &NotChartError{what, "its manifest is no JSON"}
	}
	found := &parts{digest: d, config: m.Config, annotations: m.Annotations}
	if m.Config.MediaType != configType {
		return nil, &NotChartError{what, fmt.Sprintf("its configuration is a %q", m.Config.MediaType)}
	}
	for _, layer := range append([]ocispec.Descriptor{m.Config}, m.Layers...) {
		if layer.Digest.Validate() != nil || layer.Size < 0 {
			return nil, &NotChartError{what, fmt.Sprintf("the descriptor of a %q is wrong", layer.MediaType)}
		}
		switch layer.MediaType {
		case chartType, oldChartType:
			found.archive = layer
		case provenanceType:
			found.provenance = &layer
		}
	}
	if found.archive.Digest == "" {
		return nil, &NotChartError{what, "there is no layer with a chart"}
	}
	return found, nil
}

func (r *remoteRepository) partsOfIndex(ctx context.Context, data []byte, what string) (*parts, error) {
	const most = 10
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, &NotChartError{what, "its index is no JSON"}
	}
	if len(index.Manifests) > most {
		return nil, &NotChartError{what, fmt.Sprintf("it is an index of more than %d things", most)}
	}
	for _, child := range index.Manifests {
		if child.Digest.Validate() != nil || child.MediaType != ocispec.MediaTypeImageManifest {
			continue
		}
		found, err := r.parts(ctx, child.Digest.String(), what, true)
		var other *NotChartError
		if err == nil || !errors.As(err, &other) {
			return found, err
		}
	}
	return nil, &NotChartError{what, "it is an index without one"}
}

// describe reads the configuration: the chart's metadata.
func (r *remoteRepository) describe(ctx context.Context, found *parts) (*Described, error) {
	what := r.ref.String()
	data, err := r.blob(ctx, found.config, maxConfig, "the metadata of "+what)
	if err != nil {
		return nil, err
	}
	d := &Described{Reference: r.ref, Created: found.annotations[ocispec.AnnotationCreated], Signed: found.provenance != nil}
	if err := json.Unmarshal(data, &d.Metadata); err != nil || d.Metadata == nil {
		return nil, &NotChartError{what, "its metadata cannot be read"}
	}
	if err := d.Metadata.Validate(); err != nil {
		return nil, &NotChartError{what, printable(err.Error())}
	}
	d.Reference.Digest = string(found.digest)
	if d.Reference.Version == "" { // asked for by digest
		d.Reference.Version = d.Metadata.Version
	}
	if err := d.Reference.check(); err != nil {
		return nil, &NotChartError{what, err.Error()}
	}
	return d, nil
}

// FileName is the name under which Helm stores the chart. One that was asked
// for by digest has its version in it (#DIFFERS Helm writes the digest, under
// which the archive cannot be verified).
func (d *Described) FileName() string { return d.Reference.name() + "-" + d.Reference.Version + ".tgz" }

// Save writes the chart into a folder, and its provenance file beside it if it
// was fetched. Files appear complete or not at all; older ones are replaced.
func (p *Pulled) Save(dir string) (path string, err error) {
	path = filepath.Join(dir, p.FileName())
	if p.Provenance != nil {
		if err := writeAtomically(path+".prov", p.Provenance); err != nil {
			return "", err
		}
	}
	return path, writeAtomically(path, p.Archive)
}

func writeAtomically(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
