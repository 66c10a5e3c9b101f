package chart_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/e6d26078/slipway/chart"
)

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

// item is an entry of an archive under test; Typeflag 0 is a regular file.
type item struct {
	tar.Header
	body string
}

func file(name, body string) item {
	return item{Header: tar.Header{Name: name, Mode: 0o644}, body: body}
}

func special(name string, flag byte, link string) item {
	return item{Header: tar.Header{Name: name, Typeflag: flag, Linkname: link, Mode: 0o644}}
}

// tarOf writes a tar stream without its end.
func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, i := range items {
		i.Size = int64(len(i.body))
		if err := w.WriteHeader(&i.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(i.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

var tarEnd = make([]byte, 1024)

func gzipOf(t testing.TB, parts ...[]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// archive packs a chart named web and the items.
func archive(t testing.TB, items ...item) []byte {
	t.Helper()
	return gzipOf(t, tarOf(t, append([]item{file("web/Chart.yaml", chartYAML)}, items...)...), tarEnd)
}

// rawName gives an archive whose last file has a name that the tar writer
// would not write.
func rawName(t testing.TB, name string) []byte {
	t.Helper()
	return gzipOf(t, changeHeader(t, func(h []byte) {
		clear(h[:100])
		copy(h[:100], name)
	}), tarEnd)
}

// altered gives an archive with one byte changed in the header of its last file.
func altered(t testing.TB, at int, to byte) []byte {
	t.Helper()
	return gzipOf(t, changeHeader(t, func(h []byte) {
		h[at] = to
		copy(h[157:257], "y") // where a link points to
		copy(h[257:265], "ustar  \x00")
		copy(h[386:], "00000000000\x0000000000001\x00") // the first part of a sparse file
		copy(h[483:], "00000000001\x00")                // and its size
	}), tarEnd)
}

// changeHeader packs web/Chart.yaml and web/x, changes the header of web/x and
// repairs its checksum.
func changeHeader(t testing.TB, change func(header []byte)) []byte {
	t.Helper()
	stream := tarOf(t, file("web/Chart.yaml", chartYAML), file("web/x", "body"))
	h := stream[1024:1536]
	change(h)
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return stream
}

func nested(t testing.TB, depth int) []byte {
	inner := archive(t)
	for range depth {
		inner = archive(t, file("web/charts/sub.tgz", string(inner)))
	}
	return inner
}

func TestHostileArchivesAreRefused(t *testing.T) {
	// Smaller limits than the usual ones, so that the archives need not be large.
	small := chart.Loader{MaxFile: 64 << 10, MaxArchive: 1 << 20, MaxTotal: 5 << 19, MaxFiles: 1000}
	defer func(file, all int64) {
		loader.MaxDecompressedFileSize, loader.MaxDecompressedChartSize = file, all
	}(loader.MaxDecompressedFileSize, loader.MaxDecompressedChartSize)
	loader.MaxDecompressedFileSize, loader.MaxDecompressedChartSize = small.MaxFile, small.MaxArchive
	zeros := strings.Repeat("\x00", 64<<10)
	good := archive(t, file("web/values.yaml", "a: 1\n"))
	for _, c := range []struct {
		name    string
		data    []byte
		kind    error
		text    string
		differs string // why Helm accepts it
	}{
		{"a path to the parent", archive(t, file("web/../../etc/passwd", "x")), chart.ErrUnsafe, "chart illegally references parent directory", ""},
		{"a path to the parent with backslashes", archive(t, file(`web\..\..\x`, "x")), chart.ErrUnsafe, "chart illegally references parent directory", ""},
		{"slashes hidden behind a backslash", archive(t, file(`web\a/../../x`, "x")), chart.ErrUnsafe, "chart illegally references parent directory", ""},
		{"an absolute path", archive(t, file("web//etc/passwd", "x")), chart.ErrUnsafe, "chart illegally contains absolute paths", ""},
		{"a UNC path", archive(t, file(`\\server\share\x`, "x")), chart.ErrUnsafe, "chart illegally contains absolute paths", ""},
		{"a drive", archive(t, file(`web\c:\x`, "x")), chart.ErrUnsafe, "chart contains illegally named files", ""},
		{"a file beside the chart", archive(t, file("stray", "x")), chart.ErrUnsafe, "chart illegally contains content outside the base directory", ""},
		{"Chart.yaml as a folder", archive(t, file("Chart.yaml/x", "x")), chart.ErrUnsafe, "chart yaml not in base directory", ""},
		{"a symbolic link out", archive(t, special("web/templates/x.yaml", tar.TypeSymlink, "../../../etc/passwd")), chart.ErrUnsafe, "link that leaves the chart", "#DIFFERS Helm loads an empty file"},
		{"an absolute symbolic link", archive(t, special("web/x", tar.TypeSymlink, "/etc/passwd")), chart.ErrUnsafe, "link that leaves the chart", "#DIFFERS Helm loads an empty file"},
		{"a hard link out", archive(t, special("web/x", tar.TypeLink, "../../etc/passwd")), chart.ErrUnsafe, "link that leaves the chart", "#DIFFERS Helm loads an empty file"},
		{"a character device", archive(t, special("web/x", tar.TypeChar, "")), chart.ErrUnsafe, "irregular file", "#DIFFERS Helm loads an empty file"},
		{"a block device", archive(t, special("web/x", tar.TypeBlock, "")), chart.ErrUnsafe, "irregular file", "#DIFFERS Helm loads an empty file"},
		{"a fifo", archive(t, special("web/x", tar.TypeFifo, "")), chart.ErrUnsafe, "irregular file", "#DIFFERS Helm loads an empty file"},
		{"two files of one name", archive(t, file("web/values.yaml", "a: 1"), file("web/values.yaml", "a: 2")), chart.ErrUnsafe, `two files named "values.yaml"`, "#DIFFERS Helm takes the last"},
		{"two names of one file", archive(t, file("web/templates/a", "1"), file("web/templates/b/../a", "2")), chart.ErrUnsafe, `two files named "templates/a"`, "#DIFFERS Helm takes both"},
		{"a second chart folder with the same file", archive(t, file("other/Chart.yaml", chartYAML)), chart.ErrUnsafe, `two files named "Chart.yaml"`, "#DIFFERS Helm merges them"},
		{"a line break in a name", archive(t, file("web/templates/a\nkind: Secret", "")), chart.ErrUnsafe, "control character", "#DIFFERS the name would break out of a comment in the output"},
		{"a name that is not UTF-8", rawName(t, "web/caf\xe9"), chart.ErrUnsafe, "not UTF-8", "#DIFFERS such a name cannot be written to JSON"},
		{"a huge name", archive(t, file("web/"+strings.Repeat("a/", 50_000)+"x", "")), chart.ErrUnsafe, "a path of 100005 bytes", "#DIFFERS no file system takes such a name"},
		{"a large file", archive(t, file("web/x", zeros+"x")), chart.ErrTooLarge, `decompressed chart file "web/x" is larger than the maximum file size 65536`, ""},
		{"a bomb of many files", bomb(t, 16, zeros), chart.ErrTooLarge, "decompressed chart is larger than the maximum file size", ""},
		{"a bomb after the end", gzipOf(t, tarOf(t, file("web/Chart.yaml", chartYAML)), tarEnd, make([]byte, 70<<20)), chart.ErrTooLarge, "larger than the maximum", "#DIFFERS Helm does not read so far"},
		{"a bomb in three nested archives", archive(t, file("web/charts/a.tgz", string(bomb(t, 15, zeros))), file("web/charts/b.tgz", string(bomb(t, 15, zeros))), file("web/charts/c.tgz", string(bomb(t, 15, zeros)))), chart.ErrTooLarge, "the archives in it are larger than", "#DIFFERS Helm has no limit on the sum"},
		{"a chart in a chart in a chart ...", nested(t, 120), chart.ErrTooLarge, "more than 100 deep", "#DIFFERS Helm has no limit on the depth"},
		{"too many files", manyFiles(t, 1001), chart.ErrTooLarge, "more than 1000 files", "#DIFFERS Helm has no limit on the number"},
		{"a stream cut off in a file", gzipOf(t, tarOf(t, file("web/Chart.yaml", chartYAML), file("web/x", zeros[:4096]))[:4096]), chart.ErrDamaged, `ends inside "web/x"`, ""},
		{"a stream cut off in a header", gzipOf(t, tarOf(t, file("web/Chart.yaml", chartYAML), file("web/x", ""))[:1300]), chart.ErrDamaged, "unexpected EOF", ""},
		{"a gzip file cut off", good[:len(good)-20], chart.ErrDamaged, "cut off or altered", ""},
		{"a gzip file without its sum", good[:len(good)-4], chart.ErrDamaged, "cut off or altered", "#DIFFERS Helm does not read so far"},
		{"an altered sum", append(bytes.Clone(good[:len(good)-8]), "12345678"...), chart.ErrDamaged, "checksum", "#DIFFERS Helm does not read so far"},
		{"garbage after the gzip data", append(bytes.Clone(good), "garbage"...), chart.ErrDamaged, "unknown data after the end", "#DIFFERS Helm does not read so far"},
		{"a broken header", gzipOf(t, tarOf(t, file("web/Chart.yaml", chartYAML)), bytes.Repeat([]byte("x"), 512)), chart.ErrDamaged, "read chart archive", ""},
		{"a broken sparse file", altered(t, 156, 'S'), chart.ErrDamaged, "sparse", ""},
		{"a link with a size", altered(t, 156, tar.TypeSymlink), chart.ErrDamaged, "states a size", ""},
		{"no files", gzipOf(t, tarEnd), nil, "no files in chart archive", ""},
		{"only a folder", gzipOf(t, tarOf(t, special("web/", tar.TypeDir, "")), tarEnd), nil, "no files in chart archive", ""},
		{"no Chart.yaml", gzipOf(t, tarOf(t, file("web/values.yaml", "")), tarEnd), nil, "Chart.yaml file is missing", ""},
		{"a subchart without Chart.yaml", archive(t, file("web/charts/README.md", "hello")), nil, "error unpacking subchart README.md in web: Chart.yaml file is missing", ""},
		{"a subchart archive that is none", archive(t, file("web/charts/sub.tgz", "hello")), nil, "error unpacking subchart sub.tgz in web: gzip: invalid header", ""},
		{"a folder named like an archive", archive(t, file("web/charts/sub.tgz/x", "hello")), nil, "error unpacking subchart tar in web: expected sub.tgz, got sub.tgz/x", ""},
		{"nothing", nil, nil, "gzip: invalid header", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := small.LoadArchive(bytes.NewReader(c.data))
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %q in it", err, c.text)
			}
			if c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %v is not %v", err, c.kind)
			}
			if _, helmErr := loader.LoadArchive(bytes.NewReader(c.data)); (helmErr == nil) != (c.differs != "") {
				t.Errorf("Helm: %v; marked %q", helmErr, c.differs)
			}
			mustExpandNothing(t, small, c.data)
		})
	}
}

func bomb(t testing.TB, files int, body string) []byte {
	var items []item
	for i := range files {
		items = append(items, file(fmt.Sprintf("web/f%d", i), body))
	}
	return archive(t, items...)
}

func manyFiles(t testing.TB, n int) []byte {
	items := make([]item, n)
	for i := range items {
		items[i] = file(fmt.Sprintf("web/f/%d", i), "")
	}
	return archive(t, items...)
}

// mustExpandNothing holds that an archive which does not load leaves nothing on
// disk; one which is only no valid chart may be unpacked, but inside its folder.
func mustExpandNothing(t *testing.T, l chart.Loader, data []byte) {
	t.Helper()
	parent := t.TempDir()
	dir := filepath.Join(parent, "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := l.Expand(bytes.NewReader(data), dir)
	for _, where := range []string{parent, dir} {
		list, readErr := os.ReadDir(where)
		if readErr != nil {
			t.Fatal(readErr)
		}
		for _, e := range list {
			if e.Name() != "in" && (err != nil || e.Name() != "web") {
				t.Errorf("left behind after %v: %s", err, e.Name())
			}
		}
	}
}

func TestUnusualButHonestArchivesLoadAsInHelm(t *testing.T) {
	long := "web/" + strings.Repeat("folder-with-a-long-name/", 12) + "x"
	tape := tarOf(t, file("web/Chart.yaml", chartYAML), file("web/values.yaml", "a: 1\n"))
	plain := archive(t, file("web/values.yaml", "a: 1\n"))
	gnu := func(i item) item { i.Format = tar.FormatGNU; return i }
	pax := func(i item) item { i.Format = tar.FormatPAX; i.PAXRecords = map[string]string{"X.y": "z"}; return i }
	for name, data := range map[string][]byte{
		"no end blocks":                      gzipOf(t, tape),
		"one end block":                      gzipOf(t, tape, tarEnd[:512]),
		"the last padding is missing":        gzipOf(t, tape[:len(tape)-500]),
		"many end blocks":                    gzipOf(t, tape, make([]byte, 10240)),
		"something after the end blocks":     gzipOf(t, tape, tarEnd, []byte("anything")),
		"zeros after the gzip data":          append(bytes.Clone(plain), make([]byte, 100)...),
		"two gzip members":                   append(gzipOf(t, tape[:700]), gzipOf(t, tape[700:], tarEnd)...),
		"a name with a prefix":               archive(t, file(long, "x")),
		"a long name of GNU tar":             archive(t, gnu(file(long+strings.Repeat("y", 200), "x"))),
		"GNU headers":                        archive(t, gnu(file("web/values.yaml", "a: 1"))),
		"PAX headers":                        archive(t, pax(file("web/templates/é.yaml", "x"))),
		"a PAX header for all":               gzipOf(t, tarOf(t, item{Header: tar.Header{Name: "pax_global_header", Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}}, file("web/Chart.yaml", chartYAML)), tarEnd),
		"folders":                            archive(t, special("web/templates/", tar.TypeDir, ""), file("web/templates/x", "y")),
		"a file that ends in a slash":        archive(t, file("web/x/", "")),
		"backslashes":                        gzipOf(t, tarOf(t, file(`web\Chart.yaml`, chartYAML), file(`web\templates\a.yaml`, "x")), tarEnd),
		"a leading slash":                    gzipOf(t, tarOf(t, file("/Chart.yaml", chartYAML), file("/values.yaml", "a: 1")), tarEnd),
		"several first folders":              archive(t, file("other/values.yaml", "a: 1")),
		"dots in paths":                      archive(t, file("web/./templates//x.yaml", "a")),
		"byte order marks":                   gzipOf(t, tarOf(t, file("web/Chart.yaml", "\ufeff"+chartYAML), file("web/values.yaml", "\ufeffa: 1"), file("web/templates/x", "\ufeff")), tarEnd),
		"empty files":                        archive(t, file("web/values.yaml", ""), file("web/values.schema.json", ""), file("web/templates/x", ""), file("web/Chart.lock", "")),
		"Chart.yaml at the end":              gzipOf(t, tarOf(t, file("web/requirements.yaml", "dependencies: [{name: a, version: 1, repository: x}]"), file("web/Chart.yaml", "name: web\nversion: 1.0.0\n")), tarEnd),
		"requirements of v1":                 gzipOf(t, tarOf(t, file("web/Chart.yaml", "apiVersion: v1\nname: web\nversion: 1.0.0\n"), file("web/requirements.yaml", "dependencies:\n- name: a\n  version: 1.2\n  alias: b\n  import-values: [x, {child: c, parent: p}]\n"), file("web/requirements.lock", "digest: x\ngenerated: 2020-01-02T03:04:05Z\ndependencies: []\n")), tarEnd),
		"requirements of v2":                 archive(t, file("web/requirements.yaml", "dependencies:\n- name: a\n  version: 1.2\n"), file("web/requirements.lock", "digest: x\n")),
		"requirements that rename the chart": gzipOf(t, tarOf(t, file("web/Chart.yaml", "apiVersion: v1\nname: web\nversion: 1.0.0\ndependencies: [{name: q}]\n"), file("web/requirements.yaml", "name: other\ndependencies: [{name: z, enabled: true}, {version: 3}]\n")), tarEnd),
		"subcharts of all kinds":             archive(t, file("web/charts/b-1.tgz", string(plain)), file("web/charts/a/Chart.yaml", "name: a\nversion: 0.1.0"), file("web/charts/a/charts/c/Chart.yaml", "name: c\nversion: 0.1.0"), file("web/charts/_d/x", ""), file("web/charts/.e", ""), file("web/charts/b-1.tgz.prov", "p"), file("web/charts/a/x.prov", "p")),
		"links that stay inside":             archive(t, file("web/a", "x"), special("web/templates/b", tar.TypeSymlink, "../a"), special("web/c", tar.TypeLink, "web/a")),
		"metadata of odd types":              gzipOf(t, tarOf(t, file("web/Chart.yaml", "name: web\nversion: 1.5\nappVersion: 1.10\nDescription: x\nannotations: {a: true, b: 1e9, c: 0777}\nkeywords: [1, two]\nmaintainers: [{Name: x}]\nunknown: {}\nicon: null\ndeprecated: true\n")), tarEnd),
	} {
		t.Run(name, func(t *testing.T) {
			helms, err := loader.LoadArchive(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("Helm: %v", err)
			}
			ours, err := chart.LoadArchive(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, ours, helms)
		})
	}
}

// FuzzLoadArchive holds that the tar stream, once compressed, loads as in Helm
// or not at all, and that Expand stays in its folder.
func FuzzLoadArchive(f *testing.F) {
	f.Add(append(tarOf(f, file("web/Chart.yaml", chartYAML), file("web/values.yaml", "a: [1, 2]\n"), file("web/templates/x.yaml", "{{ .Values.a }}")), tarEnd...))
	f.Add(tarOf(f, file("web/charts/a/Chart.yaml", chartYAML), file(`web\Chart.yaml`, chartYAML), special("web/l", tar.TypeSymlink, "x")))
	f.Add(tarOf(f, file("web/Chart.yaml", "name: web\nversion: 1.0.0\n"), file("web/requirements.yaml", "dependencies: [{name: a}]"), file("web/Chart.lock", "digest: x")))
	f.Add(tarOf(f, file("web/"+strings.Repeat("é", 80), ""), file("web/../x", "")))
	long := "web/" + strings.Repeat("long/", 60)
	f.Add(tarOf(f, file("web/Chart.yaml", chartYAML), item{Header: tar.Header{Name: long + "x", Format: tar.FormatPAX}}, item{Header: tar.Header{Name: long + "y", Format: tar.FormatGNU}}))
	f.Fuzz(func(t *testing.T, stream []byte) {
		packed := gzipOf(t, stream)
		ours, err := chart.LoadArchive(bytes.NewReader(packed))
		helms, helmErr := loader.LoadArchive(bytes.NewReader(packed))
		switch {
		case err == nil && helmErr != nil:
			t.Fatalf("Helm refuses what we load: %v", helmErr)
		case err == nil:
			mustEqual(t, ours, helms)
			mustSurviveSaving(t, ours)
		case helmErr == nil && !errors.Is(err, chart.ErrUnsafe) && !errors.Is(err, chart.ErrTooLarge): // #DIFFERS as in TestHostileArchivesAreRefused
			t.Fatalf("Helm loads what we refuse: %v", err)
		}
	})
}

// mustSurviveSaving holds that a chart that can be saved is saved the same way
// twice, and that both loaders read it back.
func mustSurviveSaving(t *testing.T, c *chart.Chart) {
	t.Helper()
	var first, second bytes.Buffer
	if err := chart.Save(c, &first, chart.SaveOptions{}); err != nil {
		return
	}
	if err := chart.Save(c, &second, chart.SaveOptions{}); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatalf("saved differently the second time: %v", err)
	}
	again, err := chart.LoadArchive(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatalf("the saved chart does not load: %v", err)
	}
	helms, err := loader.LoadArchive(io.Reader(&first))
	if err != nil {
		t.Fatalf("Helm does not load the saved chart: %v", err)
	}
	mustEqual(t, again, helms)
}
