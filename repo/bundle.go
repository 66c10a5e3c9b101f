package repo

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// Bundle is the manifest of a bundle: charts with their provenance files and the
// list of images that they need, in one file for a site without a network. In the
// file it is manifest.json, and the first; then come the charts in its order, each
// with its provenance file behind it, and images.txt.
type Bundle struct {
	Version int             `json:"version"` // 1
	Charts  []*BundledChart `json:"charts"`
	Images  []string        `json:"images"` // of all charts, sorted
}

// BundledChart is a chart in a bundle.
type BundledChart struct {
	Name       string       `json:"name"`
	Version    string       `json:"version"`
	Archive    BundledFile  `json:"archive"`
	Provenance *BundledFile `json:"provenance,omitempty"`
	// Dependency is set for a chart that others are made of.
	Dependency bool     `json:"dependency,omitempty"`
	Source     string   `json:"source,omitempty"` // URL, without credentials
	Images     []string `json:"images"`
}

// BundledFile is a file in a bundle.
type BundledFile struct {
	Path   string `json:"path"`   // charts/FILE
	Digest string `json:"digest"` // sha256:HEX
	Size   int64  `json:"size"`   // bytes
}

// BundleInput is a chart that goes into a bundle.
type BundleInput struct {
	File       string // the archive's own name
	Archive    []byte
	Provenance []byte // nil if there is none
	Dependency bool
	Source     string
	Images     []string
}

const (
	bundleManifest   = "manifest.json"
	bundleImages     = "images.txt"
	maxBundled       = 10_000 // charts
	maxBundleListing = 32 << 20
)

// NewBundle makes the manifest of charts, in the order of their names and versions.
// Equal charts count once; two of one name and version that differ are an error.
func NewBundle(inputs []BundleInput, images []string) (*Bundle, []BundleInput, error) {
	b := &Bundle{Version: 1, Images: slices.Clone(images)}
	byFile := map[string]BundleInput{}
	kept := map[*BundledChart]BundleInput{}
	for _, in := range inputs {
		if old, seen := byFile[in.File]; seen {
			if !bytes.Equal(old.Archive, in.Archive) {
				return nil, nil, fmt.Errorf("two charts are named %s and differ", in.File)
			}
			continue
		}
		byFile[in.File] = in
		c, err := newBundled(in)
		if err != nil {
			return nil, nil, err
		}
		b.Charts, kept[c] = append(b.Charts, c), in
		b.Images = append(b.Images, in.Images...)
	}
	slices.SortFunc(b.Charts, func(x, y *BundledChart) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Version, y.Version), cmp.Compare(x.Archive.Path, y.Archive.Path))
	})
	slices.Sort(b.Images)
	if b.Images = slices.Compact(b.Images); b.Images == nil {
		b.Images = []string{}
	}
	ordered := make([]BundleInput, len(b.Charts))
	for i, c := range b.Charts {
		ordered[i] = kept[c]
	}
	return b, ordered, b.check()
}

func newBundled(in BundleInput) (*BundledChart, error) {
	loaded, err := chart.LoadArchive(bytes.NewReader(in.Archive))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.File, err)
	}
	c := &BundledChart{
		Name: loaded.Name(), Version: loaded.Metadata.Version, Archive: newBundledFile(in.File, in.Archive),
		Dependency: in.Dependency, Source: in.Source, Images: slices.Clone(in.Images),
	}
	if in.Provenance != nil {
		f := newBundledFile(in.File+".prov", in.Provenance)
		c.Provenance = &f
	}
	if c.Images == nil {
		c.Images = []string{}
	}
	return c, nil
}

func newBundledFile(name string, data []byte) BundledFile {
	sum := sha256.Sum256(data)
	return BundledFile{Path: "charts/" + name, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

// check finds what no bundle has.
func (b *Bundle) check() error {
	if b.Version != 1 {
		return fmt.Errorf("version %d of a bundle is not known here, only 1 is", b.Version)
	}
	if len(b.Charts) > maxBundled {
		return fmt.Errorf("a bundle of more than %d charts", maxBundled)
	}
	seen := map[string]bool{}
	for _, c := range b.Charts {
		if c == nil {
			return errors.New("a chart that is null")
		}
		name, below := strings.CutPrefix(c.Archive.Path, "charts/")
		digest, err := parseDigest(c.Archive.Digest)
		switch {
		case !below || !isFileName(name) || !strings.HasSuffix(name, ".tgz") || !isPrintable(name):
			return fmt.Errorf("%q is no path of a chart in a bundle", c.Archive.Path)
		case seen[name]:
			return fmt.Errorf("%s is there twice", c.Archive.Path)
		case err != nil || digest == "":
			return fmt.Errorf("%s has no digest", c.Archive.Path)
		case c.Archive.Size < 0 || c.Archive.Size > MaxChart:
			return fmt.Errorf("%s is larger than %d bytes", c.Archive.Path, MaxChart)
		}
		seen[name] = true
		if p := c.Provenance; p != nil {
			if digest, err := parseDigest(p.Digest); err != nil || digest == "" || p.Path != c.Archive.Path+".prov" || p.Size < 0 || p.Size > maxProvenance {
				return fmt.Errorf("the provenance file of %s has another name, no digest or more than %d bytes", c.Archive.Path, maxProvenance)
			}
		}
	}
	images := slices.Clone(b.Images)
	for _, c := range b.Charts {
		images = append(images, c.Images...)
		if !isPrintable(c.Source) {
			return fmt.Errorf("%q is no source of a chart", c.Source)
		}
	}
	for _, image := range images {
		if !isPrintable(image) || image == "" {
			return fmt.Errorf("%q is no image", image)
		}
	}
	return nil
}

// imageList is images.txt.
func (b *Bundle) imageList() []byte {
	var out bytes.Buffer
	for _, image := range b.Images {
		out.WriteString(image + "\n")
	}
	return out.Bytes()
}

// WriteBundle writes a bundle of what NewBundle gave. The same charts give the
// same bytes: nothing in it depends on time or machine, and it is not compressed,
// since charts are.
func WriteBundle(w io.Writer, b *Bundle, inputs []BundleInput) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.NoCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(zipped)
	manifest, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	put := func(name string, data []byte) error {
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
		_, err := out.Write(data)
		return err
	}
	if err := put(bundleManifest, append(manifest, '\n')); err != nil {
		return err
	}
	for i, c := range b.Charts {
		if err := put(c.Archive.Path, inputs[i].Archive); err != nil {
			return err
		}
		if c.Provenance != nil {
			if err := put(c.Provenance.Path, inputs[i].Provenance); err != nil {
				return err
			}
		}
	}
	if err := put(bundleImages, b.imageList()); err != nil {
		return err
	}
	return errors.Join(out.Close(), zipped.Close())
}

// ReadBundle reads a bundle and calls visit for each chart, when its digests, its
// name and its version were found right. If it gives no error, nothing else is in
// the file. At most one chart is in memory.
func ReadBundle(r io.Reader, visit func(c *BundledChart, archive, provenance []byte) error) (*Bundle, error) {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("no bundle: %w", err)
	}
	in := &bundleReader{tar: tar.NewReader(zipped)}
	text, err := in.file(bundleManifest, maxBundleListing)
	if err != nil {
		return nil, err
	}
	b := &Bundle{}
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(b); err != nil {
		return nil, fmt.Errorf("%s: %w", bundleManifest, err)
	}
	if strict.More() {
		return nil, fmt.Errorf("%s has more behind its end", bundleManifest)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", bundleManifest, err)
	}
	for _, c := range b.Charts {
		if err := in.chart(c, visit); err != nil {
			return nil, err
		}
	}
	list, err := in.file(bundleImages, maxBundleListing)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(list, b.imageList()) {
		return nil, fmt.Errorf("%s has other images than %s", bundleImages, bundleManifest)
	}
	if header, err := in.tar.Next(); err == nil {
		return nil, fmt.Errorf("%q is in the bundle and not in its manifest", header.Name)
	} else if err != io.EOF {
		return nil, err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(zipped, 1)); err != nil {
		return nil, fmt.Errorf("the end of the bundle: %w", err)
	} else if n > 0 {
		return nil, errors.New("there is more behind the end of the bundle")
	}
	return b, nil
}

// bundleReader goes through the files of a bundle.
type bundleReader struct{ tar *tar.Reader }

// file reads the next file, which has to have a name.
func (in *bundleReader) file(name string, most int64) ([]byte, error) {
	header, err := in.tar.Next()
	if err == io.EOF {
		return nil, fmt.Errorf("%s is not in the bundle", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	switch {
	case header.Name != name || header.Typeflag != tar.TypeReg:
		return nil, fmt.Errorf("%s has to come here in the bundle, and there is %q", name, header.Name)
	case header.Size > most:
		return nil, fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	data, err := io.ReadAll(io.LimitReader(in.tar, most))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// listed reads the next file and holds it against the manifest.
func (in *bundleReader) listed(f BundledFile) ([]byte, error) {
	data, err := in.file(f.Path, f.Size)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != f.Digest || int64(len(data)) != f.Size {
		return nil, fmt.Errorf("%s: %w: it is %s, the manifest has %s", f.Path, ErrDigest, got, f.Digest)
	}
	return data, nil
}

func (in *bundleReader) chart(c *BundledChart, visit func(*BundledChart, []byte, []byte) error) error {
	archive, err := in.listed(c.Archive)
	if err != nil {
		return err
	}
	var prov []byte
	if c.Provenance != nil {
		if prov, err = in.listed(*c.Provenance); err != nil {
			return err
		}
	}
	loaded, err := chart.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Archive.Path, err)
	}
	if loaded.Name() != c.Name || loaded.Metadata.Version != c.Version {
		return fmt.Errorf("%s is %s %s, the manifest has %s %s", c.Archive.Path, loaded.Name(), loaded.Metadata.Version, c.Name, c.Version)
	}
	if visit == nil {
		return nil
	}
	return visit(c, archive, prov)
}
