package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/e6d26078/slipway/chart"
)

// PushOptions say what Push sends beside the chart.
type PushOptions struct {
	// Provenance is the provenance file; nil means none.
	Provenance []byte
	// Created is the time that the annotation "created" gets, in its zone and
	// in whole seconds; Helm takes the file's time of change. The zero time
	// leaves the annotation out.
	Created time.Time
}

// Pushed is what Push has stored.
type Pushed struct {
	Reference     Reference // with version and digest
	ArchiveDigest string
	Metadata      *chart.Metadata
}

// Push stores a packaged chart in the repository of its name below ref, under
// the tag of its version. What is there is replaced. With the same archive,
// provenance file and time the digest is the one that Helm gets.
func (c *Client) Push(ctx context.Context, ref Reference, archive []byte, o PushOptions) (*Pushed, error) {
	if ref.Version != "" || ref.Digest != "" {
		return nil, fmt.Errorf("push to %s: leave out version and digest, they are the chart's", ref)
	}
	for what, size := range map[string][2]int64{
		"the archive": {int64(len(archive)), c.options.MaxArchive}, "the provenance file": {int64(len(o.Provenance)), maxProvenance},
	} {
		if size[0] > size[1] {
			return nil, &TooLargeError{What: what, Size: size[0], Limit: size[1]}
		}
	}
	loaded, err := chart.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	m := loaded.Metadata
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	ref.Repository, ref.Version = strings.TrimPrefix(ref.Repository+"/"+m.Name, "/"), m.Version
	if err := ref.check(); err != nil {
		return nil, fmt.Errorf("push %s %s: %w", m.Name, m.Version, err)
	}
	return c.open(ref).push(ctx, m, archive, o)
}

// piece is content and what it is.
type piece struct {
	ocispec.Descriptor
	data []byte
}

func newPiece(mediaType string, data []byte) piece {
	return piece{content.NewDescriptorFromBytes(mediaType, data), data}
}

func (r *remoteRepository) push(ctx context.Context, m *chart.Metadata, archive []byte, o PushOptions) (*Pushed, error) {
	config, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	pieces := []piece{newPiece(chartType, archive)}
	if o.Provenance != nil {
		pieces = append(pieces, newPiece(provenanceType, o.Provenance))
	}
	slices.SortFunc(pieces, func(a, b piece) int { return strings.Compare(string(a.Digest), string(b.Digest)) }) // as Helm does
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, Annotations: annotations(m, o.Created),
	}
	for _, p := range pieces {
		manifest.Layers = append(manifest.Layers, p.Descriptor)
	}
	pieces = append(pieces, newPiece(configType, config))
	manifest.Config = pieces[len(pieces)-1].Descriptor
	data, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	to := r.repository()
	ctx = auth.AppendRepositoryScope(ctx, r.ref.remote(), auth.ActionPull, auth.ActionPush)
	what := "push to " + r.ref.String()
	for _, p := range pieces {
		if err := r.pushBlob(ctx, to, p); err != nil {
			return nil, r.fault(err, what)
		}
	}
	top := newPiece(ocispec.MediaTypeImageManifest, data)
	if err := to.Manifests().PushReference(ctx, top.Descriptor, bytes.NewReader(data), r.ref.tag()); err != nil {
		return nil, r.fault(err, what)
	}
	pushed := &Pushed{Reference: r.ref, ArchiveDigest: digest.FromBytes(archive).String(), Metadata: m}
	pushed.Reference.Digest = top.Digest.String()
	return pushed, nil
}

// pushBlob sends what the registry does not have. When the client has sent
// something again, the registry may have forgotten the upload that it belongs
// to; then it begins anew.
func (r *remoteRepository) pushBlob(ctx context.Context, to *remote.Repository, p piece) error {
	for try := 1; ; try++ {
		there, err := to.Blobs().Exists(ctx, p.Descriptor)
		if err != nil || there {
			return err
		}
		err = to.Blobs().Push(ctx, p.Descriptor, bytes.NewReader(p.data))
		var response *errcode.ErrorResponse
		if !errors.As(err, &response) || response.Method != http.MethodPut || try >= r.options.Tries {
			return err
		}
		if lost := response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusRequestedRangeNotSatisfiable; !lost {
			return err
		}
		if err := r.pause(ctx, try); err != nil {
			return err
		}
	}
}

// annotations are those that Helm writes into a manifest.
func annotations(m *chart.Metadata, created time.Time) map[string]string {
	own := map[string]string{
		ocispec.AnnotationTitle: m.Name, ocispec.AnnotationVersion: m.Version,
		ocispec.AnnotationDescription: m.Description, ocispec.AnnotationURL: m.Home,
	}
	if !created.IsZero() {
		own[ocispec.AnnotationCreated] = created.Format(time.RFC3339)
	}
	if len(m.Sources) > 0 {
		own[ocispec.AnnotationSource] = m.Sources[0]
	}
	var people []string
	for _, p := range m.Maintainers {
		person := p.Name
		if p.Email != "" {
			person += " (" + p.Email + ")"
		}
		people = append(people, person)
	}
	own[ocispec.AnnotationAuthors] = strings.Join(people, ", ")
	for key, value := range own {
		if strings.TrimSpace(value) == "" {
			delete(own, key)
		}
	}
	for key, value := range m.Annotations { // the chart's may replace all but these
		if key != ocispec.AnnotationTitle && key != ocispec.AnnotationVersion {
			own[key] = value
		}
	}
	return own
}
