package cluster_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/internal/storetest"
)

var (
	_ deploy.Store  = (*cluster.Secrets)(nil)
	_ deploy.Store  = (*cluster.ConfigMaps)(nil)
	_ deploy.Locker = (*cluster.Leases)(nil)
)

// storeClients are a user's ways to an API server.
func storeClients(t *testing.T, kubeconfig string) (kubernetes.Interface, metadata.Interface) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client, meta
}

// openStore returns a store of a kind, named as HELM_DRIVER names it.
func openStore(t *testing.T, kubeconfig, kind, namespace string) storetest.Store {
	t.Helper()
	client, meta := storeClients(t, kubeconfig)
	var s storetest.Store
	var err error
	if kind == "configmap" {
		s, err = cluster.NewConfigMaps(client, meta, namespace, storetest.Now)
	} else {
		s, err = cluster.NewSecrets(client, meta, namespace, storetest.Now)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var storeKinds = []string{"secret", "configmap"}

func TestStores(t *testing.T) {
	c := clustertest.Shared(t)
	for _, kind := range storeKinds {
		t.Run(kind, func(t *testing.T) {
			namespace := c.Namespace(t)
			storetest.Run(t, namespace, func(t *testing.T) storetest.Store {
				return openStore(t, c.Kubeconfig(), kind, namespace)
			})
		})
	}
}

func TestStoreListsPageByPage(t *testing.T) {
	c := clustertest.Shared(t)
	namespace := c.Namespace(t)
	s := openStore(t, c.Kubeconfig(), "secret", namespace)
	const count = 503 // a page has 500
	var creators sync.WaitGroup
	for worker := range 8 {
		creators.Go(func() {
			for version := worker + 1; version <= count; version += 8 {
				r := storetest.Record(namespace, "web", version, release.StatusSuperseded)
				if err := s.Create(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	creators.Wait()
	config := c.RESTConfig(t)
	var pages int
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if pages++; !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
				t.Errorf("whole objects are asked for: %s", r.Header.Get("Accept"))
			}
			return next.RoundTrip(r)
		})
	})
	client, _ := storeClients(t, c.Kubeconfig())
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = cluster.NewSecrets(client, meta, namespace, storetest.Now); err != nil {
		t.Fatal(err)
	}
	list, err := s.History(t.Context(), "web")
	if err != nil || len(list) != count {
		t.Fatalf("%d of %d revisions, %v", len(list), count, err)
	}
	if pages != 2 {
		t.Errorf("%d requests", pages)
	}
	for i, m := range list {
		if m.Version != i+1 {
			t.Fatalf("revision %d at place %d", m.Version, i+1)
		}
	}
}

func TestStoreLeavesOutWhatIsNoRecord(t *testing.T) {
	c := clustertest.Shared(t)
	namespace := c.Namespace(t)
	client, _ := storeClients(t, c.Kubeconfig())
	labels := map[string]string{"owner": "helm", "name": "web", "status": "deployed", "version": "1"}
	for name, data := range map[string]string{"somebody-elses": "x", release.Key("web", 2): "x"} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, StringData: map[string]string{"release": data}}
		if _, err := client.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	s := openStore(t, c.Kubeconfig(), "secret", namespace)
	list, err := s.History(t.Context(), "web")
	if err != nil || len(list) != 1 || list[0].Version != 2 {
		t.Fatalf("got %v, %v, want revision 2 alone", list, err)
	}
	if _, err := s.Get(t.Context(), "web", 2); !errors.Is(err, release.ErrUndecodable) {
		t.Fatalf("a record that is none: %v", err)
	}
}

func TestStoreNamesTheMissingPermission(t *testing.T) {
	c := clustertest.Shared(t)
	namespace := c.Namespace(t)
	kubeconfig := c.KubeconfigFor(t, "nobody")
	for kind, resource := range map[string]string{"secret": "secrets", "configmap": "configmaps"} {
		s := openStore(t, kubeconfig, kind, namespace)
		r := storetest.Record(namespace, "web", 1, release.StatusDeployed)
		_, listErr := s.History(t.Context(), "web")
		_, getErr := s.Get(t.Context(), "web", 1)
		for verb, err := range map[string]error{
			"list": listErr, "get": getErr, "create": s.Create(t.Context(), r),
			"update": s.Update(t.Context(), r), "delete": s.Delete(t.Context(), "web", 1),
		} {
			var denied *deploy.ForbiddenError
			if !errors.As(err, &denied) || denied.Verb != verb || denied.Resource != resource || denied.Namespace != namespace {
				t.Errorf("%s %s: %v", verb, resource, err)
			}
		}
	}
}

// helmOn runs a Helm of version 3 or 4 on a namespace and returns its output.
func helmOn(t *testing.T, c *clustertest.Cluster, version, driver, namespace string, args ...string) string {
	t.Helper()
	dir := os.Getenv("SLIPWAY_PEERS")
	if dir == "" {
		dir = "../../.cache/peers"
	}
	path := filepath.Join(dir, "helm"+version)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("SLIPWAY_PEERS") != "" {
			t.Fatal(err)
		}
		t.Skip("no Helm binaries: run make peers")
	}
	home := t.TempDir()
	cmd := exec.Command(path, append(args, "--namespace", namespace)...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), "HELM_DRIVER="+driver, "HOME="+home, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("helm%s %v: %v\n%s", version, args, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

// TestHelmReadsRecordsOfEveryStatus has real Helm look at our records.
func TestHelmReadsRecordsOfEveryStatus(t *testing.T) {
	c := clustertest.Shared(t)
	statuses := []release.Status{
		release.StatusDeployed, release.StatusFailed, release.StatusUninstalled, release.StatusUninstalling, release.StatusSuperseded,
		release.StatusPendingInstall, release.StatusPendingUpgrade, release.StatusPendingRollback, release.StatusUnknown,
	}
	for _, kind := range storeKinds {
		namespace := c.Namespace(t)
		s := openStore(t, c.Kubeconfig(), kind, namespace)
		for _, status := range statuses {
			if err := s.Create(t.Context(), storetest.Record(namespace, "is-"+status.String(), 1, status)); err != nil {
				t.Fatal(err)
			}
		}
		for _, version := range []string{"3", "4"} {
			t.Run("helm "+version+" "+kind, func(t *testing.T) {
				args := []string{"list", "--output", "json"}
				if version == "3" {
					args = append(args, "--all")
				}
				var listed []struct{ Name, Status, Chart string }
				decode(t, helmOn(t, c, version, kind, namespace, args...), &listed)
				seen := map[string]string{}
				for _, l := range listed {
					seen[l.Name] = l.Status
				}
				for _, status := range statuses {
					name := "is-" + status.String()
					want := status.String()
					if status == release.StatusUnknown {
						want = "" // Helm lists its own records in this state neither
					}
					if seen[name] != want {
						t.Errorf("%s is listed as %q", name, seen[name])
					}
					helmLooksAt(t, c, version, kind, namespace, name, status)
				}
			})
		}
	}
}

func helmLooksAt(t *testing.T, c *clustertest.Cluster, version, kind, namespace, name string, status release.Status) {
	t.Helper()
	var history []struct {
		Revision                   int
		Status, Chart, Description string
		AppVersion                 string `json:"app_version"`
	}
	decode(t, helmOn(t, c, version, kind, namespace, "history", name, "--output", "json"), &history)
	if len(history) != 1 || history[0].Status != status.String() || history[0].Chart != "web-1.2.3" || history[0].Description != "a <b> & c" {
		t.Errorf("history of %s: %+v", name, history)
	}
	want := storetest.Record(namespace, name, 1, status)
	if got := helmOn(t, c, version, kind, namespace, "get", "manifest", name); got != want.Manifest+"\n" {
		t.Errorf("manifest of %s: %q", name, got)
	}
	var values map[string]any
	decode(t, helmOn(t, c, version, kind, namespace, "get", "values", name, "--output", "json"), &values)
	if !cmp.Equal(values, want.Config) {
		t.Errorf("values of %s: %v", name, values)
	}
	helmOn(t, c, version, kind, namespace, "get", "all", name)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// hookChart writes a chart with a hook to a folder.
func hookChart(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":  "apiVersion: v2\nname: tale\nversion: 0.1.0\nappVersion: \"9\"\n",
		"values.yaml": "greeting: hello\n",
		"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n" +
			"data:\n  text: {{ .Values.greeting }} {{ .Release.Revision }}\n",
		"templates/hook.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n" +
			"  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestHelmsRecords reads what real Helm wrote, changes its status and has Helm go on.
func TestHelmsRecords(t *testing.T) {
	c := clustertest.Shared(t)
	chart := hookChart(t)
	for _, kind := range storeKinds {
		for _, version := range []string{"3", "4"} {
			t.Run("helm "+version+" "+kind, func(t *testing.T) {
				namespace := c.Namespace(t)
				helmOn(t, c, version, kind, namespace, "install", "tale", chart, "--labels", "team=blue")
				s := openStore(t, c.Kubeconfig(), kind, namespace)
				list, err := s.History(t.Context(), "tale")
				if err != nil || len(list) != 1 || list[0].Status != release.StatusDeployed || list[0].Operation != nil || list[0].Labels["team"] != "blue" {
					t.Fatalf("history %+v, %v", list, err)
				}
				r, err := s.Get(t.Context(), "tale", 1)
				if err != nil {
					t.Fatal(err)
				}
				if want := map[string]string{"3": "", "4": "ssa"}[version]; r.ApplyMethod != want || len(r.Hooks) != 1 {
					t.Errorf("apply method %q, want %q; %d hooks", r.ApplyMethod, want, len(r.Hooks))
				}
				before := storedJSON(t, c, kind, namespace, 1)
				r.Info.Status = release.StatusFailed
				if err := s.Update(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				before["info"].(map[string]any)["status"] = "failed"
				before["info"].(map[string]any)["deleted"] = "" // Helm 3 has it always, Helm 4 takes it for none
				if diff := cmp.Diff(before, storedJSON(t, c, kind, namespace, 1)); diff != "" {
					t.Errorf("a new status changes more (-want +got):\n%s", diff)
				}
				helmOn(t, c, version, kind, namespace, "upgrade", "tale", chart, "--set", "greeting=bye")
				helmOn(t, c, version, kind, namespace, "rollback", "tale", "1")
				if list, err = s.History(t.Context(), "tale"); err != nil || len(list) != 3 || list[2].Status != release.StatusDeployed {
					t.Errorf("history after Helm went on: %+v, %v", list, err)
				}
			})
		}
	}
}

// storedJSON is the record in the cluster without our own code.
func storedJSON(t *testing.T, c *clustertest.Cluster, kind, namespace string, version int) map[string]any {
	t.Helper()
	client, _ := storeClients(t, c.Kubeconfig())
	key := release.Key("tale", version)
	var data []byte
	if kind == "configmap" {
		o, err := client.CoreV1().ConfigMaps(namespace).Get(t.Context(), key, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data = []byte(o.Data["release"])
	} else {
		o, err := client.CoreV1().Secrets(namespace).Get(t.Context(), key, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Type != "helm.sh/release.v1" {
			t.Errorf("type %q", o.Type)
		}
		data = o.Data["release"]
	}
	var v map[string]any
	decode(t, inflateRecord(t, data), &v)
	return v
}

// TestACopyOfOurLabelIsNotOurs has Helm upgrade a release of ours and change the status of our record.
func TestACopyOfOurLabelIsNotOurs(t *testing.T) {
	c := clustertest.Shared(t)
	chart := hookChart(t)
	for _, version := range []string{"3", "4"} {
		t.Run("helm "+version, func(t *testing.T) {
			namespace := c.Namespace(t)
			helmOn(t, c, version, "secret", namespace, "install", "tale", chart)
			s := openStore(t, c.Kubeconfig(), "secret", namespace)
			r, err := s.Get(t.Context(), "tale", 1)
			if err != nil {
				t.Fatal(err)
			}
			r.Operation = &release.Operation{ID: "01JZ", Kind: "install", Inputs: "sha256:1"}
			if err := s.Update(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			helmOn(t, c, version, "secret", namespace, "upgrade", "tale", chart)
			list, err := s.History(t.Context(), "tale")
			if err != nil || len(list) != 2 {
				t.Fatalf("%+v, %v", list, err)
			}
			if diff := cmp.Diff(&release.Operation{ID: "01JZ"}, list[0].Operation); diff != "" || list[0].Status != release.StatusSuperseded {
				t.Errorf("our record after Helm marked it %s:\n%s", list[0].Status, diff)
			}
			if list[1].Operation != nil || len(list[1].Labels) != 0 {
				t.Errorf("Helm's record passes for ours: %+v, labels %v", list[1].Operation, list[1].Labels)
			}
		})
	}
}

// inflateRecord undoes what wraps a record, by the standard library's means.
func inflateRecord(t *testing.T, data []byte) string {
	t.Helper()
	zr, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
