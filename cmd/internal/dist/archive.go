package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra/doc"

	"github.com/e6d26078/slipway/cmd/internal/cli"
)

// file is one file of an archive or image.
type file struct {
	name       string // with slashes
	data       []byte
	executable bool
}

func (f file) mode() int64 {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// texts are the files that are the same for all systems.
func (d *dist) texts() ([]file, error) {
	var files []file
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, data: data})
	}
	manual, err := d.manual()
	if err != nil {
		return nil, err
	}
	files = append(files, manual...)
	root := cli.Command()
	for _, shell := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"slipway.bash", func(w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"_slipway", root.GenZshCompletion},
		{"slipway.fish", func(w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"slipway.ps1", root.GenPowerShellCompletionWithDesc},
	} {
		var text bytes.Buffer
		if err := shell.write(&text); err != nil {
			return nil, err
		}
		files = append(files, file{name: "completion/" + shell.name, data: text.Bytes()})
	}
	return files, nil
}

// manual is the man page of every command.
func (d *dist) manual() ([]file, error) {
	folder := filepath.Join(d.work, "man")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	header := &doc.GenManHeader{Section: "1", Source: "slipway " + d.version, Manual: "slipway", Date: &d.when}
	root := cli.Command()
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, header, folder); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: "man/man1/" + e.Name(), data: data})
	}
	return files, nil
}

// archive writes the archive of a system: a zip file for Windows, else a tarball.
func (d *dist) archive(p platform, files []file) error {
	name := "slipway_" + d.version + "_" + p.String()
	for i := range files {
		files[i].name = name + "/" + files[i].name
	}
	var out bytes.Buffer
	if p.os == "windows" {
		if err := zipped(&out, files, d.when); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(d.out, name+".zip"), out.Bytes(), 0o644)
	}
	if err := tarball(&out, files, d.when); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.out, name+".tar.gz"), out.Bytes(), 0o644)
}

// tarball writes a compressed archive.
func tarball(w io.Writer, files []file, when time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	return errors.Join(tarred(z, files, when), z.Close())
}

func tarred(w io.Writer, files []file, when time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode(), Size: int64(len(f.data)), ModTime: when, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	return t.Close()
}

func zipped(w io.Writer, files []file, when time.Time) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: when}
		h.SetMode(os.FileMode(f.mode()))
		entry, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.data); err != nil {
			return err
		}
	}
	return z.Close()
}
