package repo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
)

// newTestBundle is a bundle of two charts, one with a provenance file.
func newTestBundle(t testing.TB) []byte {
	t.Helper()
	archive := func(name string) []byte {
		c := &bytes.Buffer{}
		zipped := gzip.NewWriter(c)
		w := tar.NewWriter(zipped)
		text := "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
		err := errors.Join(w.WriteHeader(&tar.Header{Name: name + "/Chart.yaml", Size: int64(len(text)), Mode: 0o644}), second(w.Write([]byte(text))), w.Close(), zipped.Close())
		if err != nil {
			t.Fatal(err)
		}
		return c.Bytes()
	}
	b, inputs, err := NewBundle([]BundleInput{
		{File: "b-1.0.0.tgz", Archive: archive("b"), Images: []string{"b:1"}},
		{File: "a-1.0.0.tgz", Archive: archive("a"), Provenance: []byte("signed"), Images: []string{"a:1", "b:1"}},
	}, []string{"c:1"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteBundle(&out, b, inputs); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func second(_ int, err error) error { return err }

// entries takes a bundle apart, and repacked puts it together.
func entries(t testing.TB, bundle []byte) (list [][2]string) {
	t.Helper()
	zipped, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(zipped); ; {
		header, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, [2]string{header.Name, string(data)})
	}
}

func repacked(t testing.TB, list [][2]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, one := range list {
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: one[0], Size: int64(len(one[1])), Mode: 0o644}), second(w.Write([]byte(one[1])))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestABundleIsReadAsItWasWritten(t *testing.T) {
	data := newTestBundle(t)
	if !bytes.Equal(data, newTestBundle(t)) {
		t.Error("the same charts give other bytes")
	}
	var names []string
	for _, bundle := range [][]byte{data, repacked(t, entries(t, data))} {
		names = nil
		b, err := ReadBundle(bytes.NewReader(bundle), func(c *BundledChart, archive, prov []byte) error {
			names = append(names, c.Name+" "+string(prov))
			return nil
		})
		if err != nil || strings.Join(b.Images, " ") != "a:1 b:1 c:1" || strings.Join(names, ",") != "a signed,b " {
			t.Errorf("%v %q %v", b, names, err)
		}
	}
}

func TestABundleThatWasChangedIsRefused(t *testing.T) {
	data := newTestBundle(t)
	for name, change := range map[string]func(list [][2]string) [][2]string{
		"another archive":         func(l [][2]string) [][2]string { l[1][1] = l[3][1]; return l },
		"a longer archive":        func(l [][2]string) [][2]string { l[1][1] += "x"; return l },
		"another provenance file": func(l [][2]string) [][2]string { l[2][1] = "SIGNED"; return l },
		"no provenance file":      func(l [][2]string) [][2]string { return append(l[:2:2], l[3:]...) },
		"a file more":             func(l [][2]string) [][2]string { return append(l, [2]string{"charts/c.tgz", "x"}) },
		"a file between":          func(l [][2]string) [][2]string { return append(l[:2:2], append([][2]string{{"x", "y"}}, l[2:]...)...) },
		"other images":            func(l [][2]string) [][2]string { l[4][1] += "d:1\n"; return l },
		"no images":               func(l [][2]string) [][2]string { return l[:4] },
		"a second manifest":       func(l [][2]string) [][2]string { l[0][1] += "{}"; return l },
		"no manifest":             func(l [][2]string) [][2]string { return l[1:] },
		"nothing":                 func([][2]string) [][2]string { return nil },
		"another order":           func(l [][2]string) [][2]string { l[1], l[3] = l[3], l[1]; return l },
	} {
		if _, err := ReadBundle(bytes.NewReader(repacked(t, change(entries(t, data)))), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for from, to := range map[string]string{
		`"version": 1,`: `"version": 2,`, `"version": "1.0.0"`: `"version": "1.0.1"`, `"name": "a"`: `"name": "b"`, `"path": "charts/a-`: `"path": "charts/../a-`,
		`"digest": "sha256:`: `"digest": "md5:`, `"a:1"`: `"a:\n1"`, `"charts": [`: `"more": 1, "charts": [`, `"charts": [`[:9] + ` [`: `"charts": [ null,`,
		`"size": `: `"size": 99999999999, "x": `,
	} {
		list := entries(t, data)
		before := list[0][1]
		if list[0][1] = strings.Replace(before, from, to, 1); list[0][1] == before {
			t.Fatalf("%s is not in the manifest %s", from, before)
		}
		if _, err := ReadBundle(bytes.NewReader(repacked(t, list)), nil); err == nil {
			t.Errorf("%s instead of %s: no error", to, from)
		}
	}
	for n := 0; n < len(data); n += 11 {
		if _, err := ReadBundle(bytes.NewReader(data[:n]), nil); err == nil {
			t.Fatalf("cut off at %d of %d bytes: no error", n, len(data))
		}
	}
	if _, err := ReadBundle(bytes.NewReader(append(bytes.Clone(data), "more"...)), nil); err == nil {
		t.Error("with bytes behind it: no error")
	}
}
