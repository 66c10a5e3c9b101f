package chart

import (
	"bytes"
	"errors"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/e6d26078/slipway/chart/internal/inflate"
)

// slackPerArchive is how much an archive's stream may be larger than the files
// in it: headers, padding, folders.
const slackPerArchive = 64 << 20

// maxName is the length of the longest path in an archive, in bytes.
const maxName = 4096

var utf8BOM = []byte("\xef\xbb\xbf")

// isGzip reports whether data begins like a gzip stream.
func isGzip(data []byte) bool { return bytes.HasPrefix(data, []byte("\x1f\x8b\x08")) }

// unpack gives the files of a compressed archive, named relative to the
// chart's root.
func (ld *loading) unpack(packed []byte) (files []File, warnings []string, err error) {
	stream, err := ld.decompress(packed)
	if err != nil {
		return nil, nil, err
	}
	entries, err := readTar(stream, ld)
	if err != nil {
		return nil, nil, err
	}
	left := ld.maxArchive
	files = make([]File, 0, len(entries))
	for _, e := range entries {
		name, err := chartPath(e.name)
		if err != nil {
			return nil, nil, err
		}
		if e.kind != kindFile {
			if err := checkLink(e, name); err != nil {
				return nil, nil, err
			}
			warnings = append(warnings, "link in chart archive is not followed, its file is empty: "+name)
		}
		size := int64(len(e.data))
		if left -= size; left <= 0 {
			return nil, nil, tooLarge("decompressed chart is larger than the maximum file size %d", ld.maxArchive)
		}
		if err := ld.countBytes(size); err != nil {
			return nil, nil, err
		}
		files = append(files, File{Name: name, Data: bytes.TrimPrefix(e.data, utf8BOM)})
	}
	if len(files) == 0 {
		return nil, nil, errors.New("no files in chart archive")
	}
	return files, warnings, nil
}

// decompress unpacks a gzip file, which may have several members. Unlike Helm,
// which stops reading at the end of the last file, it notices any damage.
func (ld *loading) decompress(packed []byte) ([]byte, error) {
	stream, err := inflate.Gunzip(packed, int(ld.maxArchive+slackPerArchive))
	switch {
	case err == nil:
		return stream, nil
	case errors.Is(err, inflate.ErrHeader):
		return nil, errNoGzip
	case errors.Is(err, inflate.ErrLimit):
		return nil, tooLarge("decompressed chart is larger than the maximum file size %d", ld.maxArchive)
	}
	return nil, damaged("decompress chart archive: %v; the file is cut off or altered: fetch or package it again", err)
}

// chartPath turns the name of an archive's entry into the path inside the
// chart: without its first folder, with slashes.
func chartPath(name string) (string, error) {
	if len(name) > maxName {
		return "", refused("chart contains illegally named files: a path of %d bytes, beginning with %q", len(name), name[:64])
	}
	if !utf8.ValidString(name) {
		return "", refused("chart contains illegally named files: %q is not UTF-8", name)
	}
	for i := 0; i < len(name); i++ {
		if name[i] < ' ' || name[i] == 0x7f {
			return "", refused("chart contains illegally named files: %q has a control character", name)
		}
	}
	delimiter := "/"
	if strings.Contains(name, `\`) {
		delimiter = `\`
	}
	first, rest, _ := strings.Cut(name, delimiter)
	if delimiter != "/" {
		rest = strings.ReplaceAll(rest, delimiter, "/")
	}
	if path.IsAbs(rest) {
		return "", refused("chart illegally contains absolute paths: %q", name)
	}
	clean := path.Clean(rest)
	switch {
	case clean == ".":
		return "", refused("chart illegally contains content outside the base directory: %q", name)
	case strings.HasPrefix(clean, ".."):
		return "", refused("chart illegally references parent directory: %q", name)
	case hasDrive(clean):
		return "", refused("chart contains illegally named files: %q", name)
	case first == "Chart.yaml":
		return "", refused("chart yaml not in base directory: %q", name)
	}
	return clean, nil
}

// hasDrive reports whether p begins with a drive letter, like c:/x.
func hasDrive(p string) bool {
	return len(p) >= 3 && p[1] == ':' && p[2] == '/' && (p[0]|0x20) >= 'a' && (p[0]|0x20) <= 'z'
}

// checkLink refuses what is neither a file nor a harmless link. Helm makes an
// empty file of every link, and so do we of those that stay inside the chart:
// nothing is ever followed.
func checkLink(e entry, name string) error {
	switch e.kind {
	case kindSymlink, kindHardlink:
		if !staysInside(e, name) {
			return refused("chart archive has a link that leaves the chart: %q points to %q; package the chart with the file itself", e.name, e.link)
		}
		return nil
	}
	return refused("chart archive contains an irregular file %q (%s)", e.name, e.kind)
}

// staysInside reports whether the link e at the path name in the chart points
// to a path in the chart. A symbolic link's target is relative to its folder,
// a hard link's is a path in the archive.
func staysInside(e entry, name string) bool {
	target := strings.ReplaceAll(e.link, `\`, "/")
	if target == "" || strings.ContainsRune(target, 0) || path.IsAbs(target) || (len(target) > 1 && target[1] == ':') {
		return false
	}
	if e.kind == kindHardlink {
		inside, err := chartPath(target)
		return err == nil && inside != ""
	}
	joined := path.Join(path.Dir(name), target)
	return joined != ".." && !strings.HasPrefix(joined, "../")
}
