package release_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	helm "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/storetest"
)

// helmStore is Helm 3's own code on an API server that is none.
func helmStore() (*driver.Secrets, typed.SecretInterface) {
	secrets := fake.NewClientset().CoreV1().Secrets("default")
	return driver.NewSecrets(secrets), secrets
}

// helmWrites is what Helm 3 stores of a release.
func helmWrites(t *testing.T, r *helm.Release) []byte {
	t.Helper()
	helms, secrets := helmStore()
	if err := helms.Create("key", r); err != nil {
		t.Fatal(err)
	}
	s, err := secrets.Get(t.Context(), "key", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Data["release"]
}

// inflate is the JSON in a stored record, by the standard library's means.
func inflate(t *testing.T, data []byte) string {
	t.Helper()
	zipped, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestRecordIsWrittenAsHelmWritesIt(t *testing.T) {
	full := storetest.Record("prod", "web", 3, release.StatusDeployed).Release
	full.Info.Deleted = helmtime.Time{Time: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}
	full.Chart.Schema = []byte(`{"type":"object"}`)
	full.Chart.Lock = &chart.Lock{Digest: "sha256:1", Dependencies: []*chart.Dependency{{Name: "db", ImportValues: []any{"x"}}}}
	for _, test := range []struct {
		name string
		rel  *helm.Release
	}{
		{"a full record", full},
		{"no times", &helm.Release{Name: "web", Version: 1, Info: &helm.Info{Status: release.StatusPendingInstall}}},
		{"a hook that has not run", &helm.Release{Name: "web", Version: 1, Info: &helm.Info{}, Hooks: []*helm.Hook{{Name: "h"}}}},
		{"an empty chart", &helm.Release{Name: "web", Version: 1, Info: &helm.Info{}, Chart: &chart.Chart{}, Config: map[string]any{}}},
		{"characters that HTML escapes", &helm.Release{Name: "web", Version: 1, Info: &helm.Info{}, Manifest: "<&>\u2028"}},
		{"large numbers", &helm.Release{Name: "web", Version: 1, Info: &helm.Info{}, Config: map[string]any{"n": 12345678901.0, "e": 1e21, "f": 0.1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := helmWrites(t, test.rel)
			ours, err := (&release.Record{Release: test.rel}).Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inflate(t, want), inflate(t, ours)); diff != "" {
				t.Fatalf("(-Helm +ours):\n%s", diff)
			}
			r, err := release.Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			again, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inflate(t, want), inflate(t, again)); diff != "" {
				t.Fatalf("read and written (-Helm +ours):\n%s", diff)
			}
		})
	}
}

func TestHelmReadsWhatWeWrite(t *testing.T) {
	helms, secrets := helmStore()
	if err := helms.Create("key", &helm.Release{Name: "x", Info: &helm.Info{}}); err != nil {
		t.Fatal(err)
	}
	s, err := secrets.Get(t.Context(), "key", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := storetest.Record("prod", "web", 3, release.StatusDeployed)
	r.Info.Resources = map[string][]runtime.Object{"v1/Pod": {&runtime.Unknown{}}} // would be unreadable
	if s.Data["release"], err = r.Encode(); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	got, err := helms.Get("key")
	if err != nil {
		t.Fatal(err)
	}
	if r.Info.Resources == nil {
		t.Error("encoding has changed the record")
	}
	want := r.Clone().Release
	want.Info.Resources, want.Labels, got.Labels = nil, nil, nil
	if mustJSON(t, want) != mustJSON(t, got) {
		t.Fatalf("Helm reads %s", mustJSON(t, got))
	}
}

// helm4 has a field that Helm 3 does not know at each level.
const helm4 = `{
	"name": "web",
	"info": {
		"first_deployed": "2026-01-02T03:04:05.6789+02:00", "last_deployed": "2026-01-02T03:04:05.6789+02:00",
		"status": "deployed", "rollback_revision": 4, "resources": {"v1/Pod": [{"kind": "Pod"}]}
	},
	"chart": {
		"metadata": {"name": "web", "version": "1", "maintainers": [{"name": "ann", "phone": 1}, {"name": "bob"}], "later": null},
		"lock": {"generated": "2026-01-02T03:04:05Z", "digest": "d", "dependencies": null, "hash": [1, 2]},
		"templates": [{"name": "a", "data": "YQ=="}, {"name": "b", "data": "Yg==", "modtime": "2026-01-02T03:04:05Z"}],
		"values": {"anything": {"goes": [1]}}, "schema": null, "schemamodtime": "0001-01-01T00:00:00Z",
		"files": [{"name": "README.md", "data": "eA==", "modtime": "t1"}, {"name": "x", "data": "eA==", "modtime": "t2"}], "modtime": "t3"
	},
	"hooks": [
		{"name": "h", "kind": "Job", "path": "a", "last_run": {"phase": "Succeeded", "attempts": 2}, "sequence": "s"},
		{"name": "h", "kind": "Pod", "path": "a", "last_run": {"phase": ""}}
	],
	"version": 3, "namespace": "prod", "apply_method": "ssa", "later": {"deep": ["er"]}
}`

func TestFieldsOfLaterVersionsAreKept(t *testing.T) {
	r, err := release.Decode([]byte(helm4))
	if err != nil {
		t.Fatal(err)
	}
	if r.ApplyMethod != "ssa" {
		t.Errorf("apply method %q", r.ApplyMethod)
	}
	r = r.Clone()
	r.Info.Status = release.StatusSuperseded
	r.Hooks[0].LastRun.Phase = helm.HookPhaseFailed
	r.Chart.Files = r.Chart.Files[1:]
	got, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer(
		`"status": "deployed"`, `"status": "superseded", "deleted": ""`,
		`"phase": "Succeeded"`, `"phase": "Failed", "started_at": "", "completed_at": ""`,
		`"phase": ""`, `"phase": "", "started_at": "", "completed_at": ""`,
		`{"name": "README.md", "data": "eA==", "modtime": "t1"}, `, "",
	).Replace(helm4)
	if diff := cmp.Diff(anyJSON(t, want), anyJSON(t, string(got))); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func TestUndecodableRecords(t *testing.T) {
	// Gzip may come in several members.
	bomb := strings.Repeat(zipped(t, io.LimitReader(zeros{}, 16<<20)), 17)
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "", "empty"},
		{"neither base64 nor JSON", "!", "illegal base64"},
		{"base64 of nothing like JSON", base64.StdEncoding.EncodeToString([]byte("hello")), "invalid character"},
		{"gzip that ends too early", "\x1f\x8b\x08", "EOF"},
		{"gzip of too much", bomb, "more than 256 MiB"},
		{"JSON of another kind", "{\"name\":[]}", "cannot unmarshal"},
		{"null", base64.StdEncoding.EncodeToString([]byte("null")), "no info"},
		{"no info", `{"name":"a","version":1}`, "no info"},
		{"no name", `{"info":{},"version":1}`, "no name"},
		{"no revision", `{"info":{},"name":"a"}`, "revision 0"},
		{"a hook that is null", `{"info":{},"name":"a","version":1,"hooks":[null]}`, "hook 0 is null"},
		{"a template that is null", `{"info":{},"name":"a","version":1,"chart":{"templates":[null]}}`, "template 0 is null"},
		{"a file that is null", `{"info":{},"name":"a","version":1,"chart":{"files":[{},null]}}`, "file 1 is null"},
		{"too deep", `{"info":{},"name":"a","version":1,"config":` + strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000) + "}", "max depth"},
		{"something behind the end", `{"info":{},"name":"a","version":1}{}`, "after top-level value"},
	} {
		r, err := release.Decode([]byte(test.data))
		if !errors.Is(err, release.ErrUndecodable) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, error %v, want one with %q", test.name, r, err, test.want)
		}
	}
}

func TestDecodeTakesEveryWrapping(t *testing.T) {
	plain := `{"name":"a","version":1,"info":{"status":"failed"}}`
	for name, data := range map[string]string{
		"JSON":                   plain,
		"JSON with white space":  " \n" + plain,
		"gzip":                   zipped(t, strings.NewReader(plain)),
		"base64":                 base64.StdEncoding.EncodeToString([]byte(plain)),
		"base64 of gzip":         base64.StdEncoding.EncodeToString([]byte(zipped(t, strings.NewReader(plain)))),
		"base64 of gzip in two":  base64.StdEncoding.EncodeToString([]byte(zipped(t, strings.NewReader(plain[:9])) + zipped(t, strings.NewReader(plain[9:])))),
		"base64 with a line end": base64.StdEncoding.EncodeToString([]byte(plain)) + "\n",
	} {
		if r, err := release.Decode([]byte(data)); err != nil || r.Info.Status != release.StatusFailed {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

func TestClone(t *testing.T) {
	r := storetest.Record("prod", "web", 3, release.StatusDeployed)
	before := mustJSON(t, r)
	c := r.Clone()
	if diff := cmp.Diff(before, mustJSON(t, c)); diff != "" {
		t.Fatalf("a copy differs:\n%s", diff)
	}
	c.Info.Status, c.Hooks[0].LastRun.Phase, c.Release.Labels["team"] = release.StatusFailed, helm.HookPhaseFailed, "red"
	c.Manifest, c.Version, c.Operation.ID = "", 9, "other"
	if diff := cmp.Diff(before, mustJSON(t, r)); diff != "" || r.Release.Labels["team"] != "blue" {
		t.Fatalf("a change to the copy shows:\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(helm4))
	data, err := storetest.Record("prod", "web", 3, release.StatusDeployed).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"NAME":"a","name":"b","version":1,"info":{"Status":"x"},"INFO":{"y":1},"hooks":[{"name":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := release.Decode(data)
		if err != nil {
			if !errors.Is(err, release.ErrUndecodable) {
				t.Fatal(err)
			}
			return
		}
		once, err := r.Clone().JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := release.Decode(once)
		if err != nil {
			t.Fatalf("what we wrote is unreadable: %v\n%s", err, once)
		}
		if twice, err := again.JSON(); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("error %v; written once\n%s\nand twice\n%s", err, once, twice)
		}
	})
}

// BenchmarkCodec reads and writes the record of a large release.
func BenchmarkCodec(b *testing.B) {
	r := storetest.Record("prod", "web", 3, release.StatusDeployed)
	r.Manifest = strings.Repeat(r.Manifest, 5000)
	r.Chart.Templates[0].Data = bytes.Repeat(r.Chart.Templates[0].Data, 20000)
	data, err := r.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Encode(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := release.Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func zipped(t *testing.T, r io.Reader) string {
	t.Helper()
	var buf strings.Builder
	zw := gzip.NewWriter(&buf)
	if _, err := io.Copy(zw, r); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func anyJSON(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
