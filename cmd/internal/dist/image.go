package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nobody is the user that containers run as.
const nobody = "65532:65532"

// layout is an OCI image layout that grows blob by blob.
type layout struct{ files []file }

// add adds a blob and describes it.
func (l *layout) add(mediaType string, data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	l.files = append(l.files, file{name: "blobs/sha256/" + d.Encoded(), data: data})
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

// addJSON adds a document.
func (l *layout) addJSON(mediaType string, document any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return l.add(mediaType, data), nil
}

// image writes a layout with an image for each kind of Linux machine: the
// executables, and the authorities that Mozilla trusts. There is nothing else in it.
func (d *dist) image(built map[platform][]file) error {
	var l layout
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, p := range platforms {
		if p.os != "linux" || built[p] == nil {
			continue
		}
		m, err := d.imageFor(&l, p, built[p])
		if err != nil {
			return err
		}
		index.Manifests = append(index.Manifests, m)
	}
	if len(index.Manifests) == 0 {
		return nil
	}
	all, err := l.addJSON(ocispec.MediaTypeImageIndex, index)
	if err != nil {
		return err
	}
	all.Annotations = map[string]string{ocispec.AnnotationRefName: d.version}
	top, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{all}})
	if err != nil {
		return err
	}
	version, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return err
	}
	l.files = append(l.files, file{name: ocispec.ImageIndexFile, data: top}, file{name: ocispec.ImageLayoutFile, data: version})
	var out bytes.Buffer
	if err := tarred(&out, l.files, d.when); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.out, "slipway_"+d.version+"_image.tar"), out.Bytes(), 0o644)
}

func (d *dist) imageFor(l *layout, p platform, files []file) (ocispec.Descriptor, error) {
	contents := []file{{name: "etc/ssl/certs/ca-certificates.crt", data: authorities()}}
	for _, f := range files {
		f.name = "usr/local/bin/" + f.name
		contents = append(contents, f)
	}
	var plain, packed bytes.Buffer
	if err := tarred(&plain, contents, d.when); err != nil {
		return ocispec.Descriptor{}, err
	}
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if _, err := z.Write(plain.Bytes()); err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := z.Close(); err != nil {
		return ocispec.Descriptor{}, err
	}
	layer := l.add(ocispec.MediaTypeImageLayerGzip, packed.Bytes())
	machine := ocispec.Platform{OS: p.os, Architecture: p.arch}
	config, err := l.addJSON(ocispec.MediaTypeImageConfig, ocispec.Image{
		Created: &d.when, Platform: machine,
		Config: ocispec.ImageConfig{
			User: nobody, WorkingDir: "/", Entrypoint: []string{"/usr/local/bin/slipway"},
			Env: []string{"PATH=/usr/local/bin", "HOME=/tmp"},
			Labels: map[string]string{
				ocispec.AnnotationTitle: "slipway", ocispec.AnnotationVersion: d.version, ocispec.AnnotationLicenses: "Apache-2.0",
				ocispec.AnnotationSource: "https://github.com/e6d26078/slipway",
			},
		},
		RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(plain.Bytes())}},
	})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	m, err := l.addJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer},
	})
	m.Platform = &machine
	return m, err
}

// authorities are the certificates that programs in the image trust.
func authorities() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
	}
	return out.Bytes()
}
