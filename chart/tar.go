package chart

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
)

// entryKind is what an entry of an archive is.
type entryKind string

const (
	kindFile     entryKind = "file"
	kindSymlink  entryKind = "symbolic link"
	kindHardlink entryKind = "hard link"
	kindChar     entryKind = "character device"
	kindBlock    entryKind = "block device"
	kindFifo     entryKind = "fifo"
)

// entry is one thing in an archive that is not a folder.
type entry struct {
	name string
	kind entryKind
	link string
	data []byte // never nil
}

const blockSize = 512

// readTar lists the entries of an unpacked tar stream. Packages made by Helm
// or by us have nothing but plain headers, which are read in place; for
// everything else archive/tar reads the stream again.
func readTar(stream []byte, ld *loading) ([]entry, error) {
	entries, plain, err := readPlainTar(stream, ld)
	if plain || err != nil {
		return entries, err
	}
	return readAnyTar(stream, ld)
}

// readPlainTar gives false when it meets anything unusual. The entries' data
// are parts of stream.
func readPlainTar(stream []byte, ld *loading) ([]entry, bool, error) {
	before := ld.files.Load()
	entries := make([]entry, 0, min(len(stream)/4096+16, 4096))
	rest := stream
	for {
		if len(rest) == 0 {
			return entries, true, nil
		}
		if len(rest) < blockSize {
			return nil, false, nil
		}
		head := rest[:blockSize:blockSize]
		if head[0] == 0 {
			if len(rest) >= 2*blockSize && allZero(rest[:2*blockSize]) || len(rest) == blockSize && allZero(rest) {
				return entries, true, nil
			}
			ld.files.Store(before)
			return nil, false, nil
		}
		h, ok := plainHeader(head)
		if !ok {
			ld.files.Store(before)
			return nil, false, nil
		}
		if err := ld.countFile(); err != nil {
			return nil, false, err
		}
		rest = rest[blockSize:]
		if h.dir {
			continue
		}
		if h.size > ld.maxArchive {
			return nil, false, tooLarge("decompressed chart is larger than the maximum file size %d", ld.maxArchive)
		}
		if h.size > ld.maxFile {
			return nil, false, tooLarge("decompressed chart file %q is larger than the maximum file size %d", h.name, ld.maxFile)
		}
		if h.size > int64(len(rest)) {
			return nil, false, errCutOff(h.name)
		}
		entries = append(entries, entry{name: h.name, kind: kindFile, data: rest[:h.size:h.size]})
		padded := (h.size + blockSize - 1) / blockSize * blockSize
		rest = rest[min(padded, int64(len(rest))):]
	}
}

func errCutOff(name string) error {
	return damaged("chart archive ends inside %q: unexpected EOF; fetch or package it again", name)
}

type plainHead struct {
	name string
	size int64
	dir  bool
}

// plainHeader reads a tar header of the USTAR or the GNU format that says
// nothing but a name and a size.
func plainHeader(b []byte) (plainHead, bool) {
	var h plainHead
	magic := string(b[257:265])
	switch {
	case magic == "ustar\x0000" && string(b[508:512]) != "tar\x00":
	case magic == "ustar  \x00" && allZero(b[345:512]):
	default:
		return h, false
	}
	switch b[156] {
	case '0':
	case '5':
		h.dir = true
	default:
		return h, false
	}
	mode, ok := octal(b[100:108])
	if kind := mode &^ 0o7777; !ok || kind != 0 && kind != 0o100000 {
		return h, false
	}
	for _, field := range [...][]byte{b[108:116], b[116:124], b[136:148], b[329:337], b[337:345]} {
		if _, ok := octal(field); !ok {
			return h, false
		}
	}
	if h.size, ok = octal(b[124:136]); !ok {
		return h, false
	}
	if sum, ok := octal(b[148:156]); !ok || sum != checksum(b) {
		return h, false
	}
	h.name = text(b[:100])
	if prefix := text(b[345:500]); prefix != "" {
		h.name = prefix + "/" + h.name
	}
	return h, h.dir || !strings.HasSuffix(h.name, "/")
}

// checksum is the sum of a header's bytes, with its own field taken as spaces.
func checksum(b []byte) int64 {
	sum := int64(8 * ' ')
	for _, c := range b[:148] {
		sum += int64(c)
	}
	for _, c := range b[156:blockSize] {
		sum += int64(c)
	}
	return sum
}

// text is a header's field up to its first NUL.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// octal reads a number of octal digits between spaces and NULs; nothing is 0.
func octal(b []byte) (int64, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == 0) {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// readAnyTar reads every kind of tar there is.
func readAnyTar(stream []byte, ld *loading) ([]entry, error) {
	tr := tar.NewReader(bytes.NewReader(stream))
	left := ld.maxArchive
	var entries []entry
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return nil, damaged("read chart archive: %v", err)
		}
		if err := ld.countFile(); err != nil {
			return nil, err
		}
		if h.FileInfo().IsDir() || h.Typeflag == tar.TypeXGlobalHeader || h.Typeflag == tar.TypeXHeader {
			continue
		}
		e := entry{name: h.Name, kind: kindOfHeader(h), link: h.Linkname, data: []byte{}}
		if h.Size > left {
			return nil, tooLarge("decompressed chart is larger than the maximum file size %d", ld.maxArchive)
		}
		if h.Size > ld.maxFile {
			return nil, tooLarge("decompressed chart file %q is larger than the maximum file size %d", h.Name, ld.maxFile)
		}
		if e.kind != kindFile && h.Size > 0 {
			return nil, damaged("chart archive states a size of %d bytes for %q, a %s", h.Size, h.Name, e.kind)
		}
		if e.kind == kindFile {
			if e.data, err = readEntry(tr, h); err != nil {
				return nil, err
			}
			left -= h.Size
		}
		entries = append(entries, e)
	}
}

// readEntry reads a file up to its end, where the reader notices a broken
// sparse file.
func readEntry(tr *tar.Reader, h *tar.Header) ([]byte, error) {
	data := make([]byte, h.Size)
	_, err := io.ReadFull(tr, data)
	if err == nil {
		if _, err = tr.Read(make([]byte, 1)); err == io.EOF {
			return data, nil
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, errCutOff(h.Name)
	}
	return nil, damaged("read %q in chart archive: %v", h.Name, err)
}

func kindOfHeader(h *tar.Header) entryKind {
	switch h.Typeflag {
	case tar.TypeSymlink:
		return kindSymlink
	case tar.TypeLink:
		return kindHardlink
	case tar.TypeChar:
		return kindChar
	case tar.TypeBlock:
		return kindBlock
	case tar.TypeFifo:
		return kindFifo
	}
	return kindFile
}
