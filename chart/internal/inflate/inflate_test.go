package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func pack(t testing.TB, level int, parts ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, p := range parts {
		w, err := gzip.NewWriterLevel(&buf, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Name, w.Comment, w.Extra = "n", "c", []byte("extra")
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// samples are texts that make compressors use all kinds of blocks and codes.
func samples() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(random.ExpFloat64() * 9)
	}
	return map[string][]byte{
		"nothing":        {},
		"one byte":       {7},
		"a short text":   []byte("apiVersion: v2\nname: web\n"),
		"one long run":   bytes.Repeat([]byte{'x'}, 300_000),
		"short periods":  []byte(strings.Repeat("ab", 999) + strings.Repeat("abc", 999) + strings.Repeat("abcdefg", 999)),
		"noise":          noise,
		"skewed bytes":   skewed,
		"far repetition": append(append(bytes.Clone(noise[:32_700]), 'x'), noise[:32_700]...),
	}
}

func TestGunzipGivesWhatTheStandardLibraryGives(t *testing.T) {
	for name, text := range samples() {
		for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, 1, 6, 9} {
			got, err := Gunzip(pack(t, level, text), len(text))
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, level %d: %d bytes, %v; want %d bytes", name, level, len(got), err, len(text))
			}
		}
	}
}

func TestMembersAreJoinedAndZerosMayFollow(t *testing.T) {
	packed := pack(t, 6, []byte("one "), []byte("two "), nil, []byte("three"))
	got, err := Gunzip(append(packed, make([]byte, 600)...), 100)
	if err != nil || string(got) != "one two three" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFaultsHaveTheirErrors(t *testing.T) {
	text := samples()["skewed bytes"]
	packed := pack(t, 6, text)
	alter := func(at int) []byte {
		b := bytes.Clone(packed)
		b[(at+len(b))%len(b)] ^= 0x40
		return b
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"no gzip":           {[]byte("PK\x03\x04 and more bytes"), ErrHeader},
		"an altered sum":    {alter(-6), ErrChecksum},
		"an altered size":   {alter(-2), ErrChecksum},
		"trailing garbage":  {append(bytes.Clone(packed), "garbage"...), ErrTrailing},
		"a reserved block":  {append(bytes.Clone(packed[:20]), 0x07, 0, 0, 0), ErrCorrupt},
		"more than allowed": {packed, ErrLimit},
	} {
		limit := len(text)
		if name == "more than allowed" {
			limit--
		}
		if name == "a reserved block" {
			c.data = append(pack(t, 6, nil)[:21], 0x07, 0, 0, 0, 0, 0, 0, 0, 0)
		}
		if _, err := Gunzip(c.data, limit); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for cut := 0; cut < len(packed); cut += 1 + cut/20 {
		if _, err := Gunzip(packed[:cut], len(text)); err == nil {
			t.Errorf("cut off at %d of %d: no error", cut, len(packed))
		}
	}
}

func TestABombStopsAtTheLimit(t *testing.T) {
	packed := pack(t, 9, make([]byte, 64<<20))
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := Gunzip(packed, 1<<20); !errors.Is(err, ErrLimit) {
			t.Errorf("%v", err)
		}
	})
	if allocated > 50 {
		t.Errorf("%v allocations", allocated)
	}
}

// FuzzGunzip holds against the standard library: the same text, or an error
// from both. Helm's reader stops reading at the end of a chart, so what follows
// the first member is cut off for both.
func FuzzGunzip(f *testing.F) {
	for _, text := range samples() {
		f.Add(pack(f, 6, text[:min(len(text), 3000)]))
		f.Add(pack(f, gzip.HuffmanOnly, text[:min(len(text), 3000)]))
	}
	for _, zeros := range []int{1, 9, 10, 600} {
		f.Add(append(pack(f, 6, []byte("padded")), make([]byte, zeros)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 20
		got, err := Gunzip(data, limit)
		if errors.Is(err, ErrTrailing) || errors.Is(err, ErrLimit) {
			return
		}
		want, wantErr := standard(data, limit)
		if wantErr != nil && err == nil {
			want, wantErr = withoutPadding(data, limit)
		}
		if (err == nil) != (wantErr == nil) {
			if err == nil && errors.Is(wantErr, gzip.ErrHeader) {
				return // a name that the standard library finds too long
			}
			t.Fatalf("ours: %v; standard library: %v", err, wantErr)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes differ from the standard library's %d", len(got), len(want))
		}
	})
}

// withoutPadding is standard for data that zeros may follow, which it does not take.
func withoutPadding(data []byte, limit int64) (text []byte, err error) {
	for {
		if text, err = standard(data, limit); err == nil || !bytes.HasSuffix(data, []byte{0}) {
			return text, err
		}
		data = data[:len(data)-1]
	}
}

func standard(data []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, limit))
}

func benchmarkInput(b *testing.B) []byte {
	b.Helper()
	var text bytes.Buffer
	paths, err := filepath.Glob("../../*.go")
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			b.Fatal(err)
		}
		text.Write(data)
	}
	return pack(b, 6, text.Bytes())
}

func BenchmarkGunzip(b *testing.B) {
	packed := benchmarkInput(b)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			out, err := Gunzip(packed, 1<<30)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(out)))
		}
	})
	b.Run("standard library", func(b *testing.B) {
		for b.Loop() {
			out, err := standard(packed, 1<<30)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(out)))
		}
	})
}
