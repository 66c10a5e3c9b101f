package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart/yaml"
)

// checkBundle reads a bundle, and if it is accepted holds that it can be written
// and read again, and that nothing in it leads out of a folder or off a line.
func checkBundle(t *testing.T, data []byte) {
	t.Helper()
	var inputs []BundleInput
	b, err := ReadBundle(bytes.NewReader(data), func(c *BundledChart, archive, prov []byte) error {
		file := strings.TrimPrefix(c.Archive.Path, "charts/")
		if !filepath.IsLocal(file) || filepath.Base(file) != file {
			t.Errorf("a chart in the file %q", file)
		}
		inputs = append(inputs, BundleInput{File: file, Archive: archive, Provenance: prov})
		return nil
	})
	if err != nil {
		return
	}
	for _, c := range b.Charts {
		if strings.ContainsAny(c.Name+c.Version+c.Archive.Path+c.Source+strings.Join(b.Images, ""), "\n\r\x1b\x00") {
			t.Errorf("control characters: %+q %q", []string{c.Name, c.Version, c.Archive.Path, c.Source}, b.Images)
		}
	}
	var out bytes.Buffer
	if err := WriteBundle(&out, b, inputs); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBundle(&out, nil); err != nil {
		t.Errorf("written again it is refused: %v", err)
	}
}

// FuzzBundle reads hostile tar files. The compression around them is put on here,
// since its checksum would stop nearly everything.
func FuzzBundle(f *testing.F) {
	for _, bundle := range [][]byte{newTestBundle(f), repacked(f, entries(f, newTestBundle(f))[:2])} {
		zipped, err := gzip.NewReader(bytes.NewReader(bundle))
		if err != nil {
			f.Fatal(err)
		}
		plain, err := io.ReadAll(zipped)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		checkBundle(t, plain)
		var out bytes.Buffer
		zipped, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
		if err := errors.Join(err, second(zipped.Write(plain)), zipped.Close()); err != nil {
			t.Fatal(err)
		}
		checkBundle(t, out.Bytes())
	})
}

// FuzzBundleManifest puts hostile manifests around charts that are right.
func FuzzBundleManifest(f *testing.F) {
	list := entries(f, newTestBundle(f))
	f.Add([]byte(list[0][1]), []byte(list[4][1]))
	f.Add([]byte(`{"version":1,"charts":[],"images":[]}`), []byte{})
	f.Add([]byte(`{"version":1,"charts":[null],"images":["a"]} {}`), []byte("a\n"))
	f.Fuzz(func(t *testing.T, manifest, images []byte) {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		put := func(name, text string) {
			if err := errors.Join(w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}), second(w.Write([]byte(text)))); err != nil {
				t.Fatal(err)
			}
		}
		put(list[0][0], string(manifest))
		if bytes.Contains(manifest, []byte("charts/")) {
			for _, one := range list[1:4] {
				put(one[0], one[1])
			}
		}
		put(list[4][0], string(images))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		zipped, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
		if err := errors.Join(err, second(zipped.Write(out.Bytes())), zipped.Close()); err != nil {
			t.Fatal(err)
		}
		checkBundle(t, packed.Bytes())
	})
}

// FuzzTreeLock reads lock files: what is accepted has digests alone that can be
// compared, and is the same when it is written and read again.
func FuzzTreeLock(f *testing.F) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, seed := range []string{
		"version: 1\nlock: sha256:x\nrecursive: true\ncharts:\n- name: a\n  version: 1.0.0\n  repository: https://charts.example.com\n  digest: " + digest + "\n  under: b-1.0.0\n",
		"version: 1\ncharts: []\n", "version: 2\n", "version: 1\ncharts:\n- null\n", "version: 1\ncharts:\n- digest: x\n", "version: 1\nmore: 1\n", "{}", "[]",
		"version: 1\ncharts:\n- name: 1e3\n  digest: " + digest + "\n", "a: &a {b: *a}\n", "version: 1.0\nlock: \"\\u0000\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := parseTreeLock(text)
		if err != nil {
			return
		}
		for _, c := range lock.Charts {
			if digits, err := parseDigest(c.Digest); err != nil || digits == "" {
				t.Errorf("digest %q", c.Digest)
			}
		}
		written, err := yaml.Append(nil, lock)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseTreeLock(written)
		if err != nil || again.Lock != lock.Lock || again.Recursive != lock.Recursive || len(again.Charts) != len(lock.Charts) {
			t.Fatalf("%+v, %v, want %+v", again, err, lock)
		}
		for i, c := range again.Charts {
			if c != lock.Charts[i] {
				t.Errorf("%+v, want %+v", c, lock.Charts[i])
			}
		}
	})
}
