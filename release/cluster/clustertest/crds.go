package clustertest

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// crdsVariable names the environment variable with the path of the folder of definitions.
const crdsVariable = "SLIPWAY_CRDS"

// definition is as much of a CustomResourceDefinition as is needed to see whether it is served.
type definition struct {
	Metadata struct{ Name string }
	Spec     struct {
		Group    string
		Names    struct{ Kind, Plural string }
		Versions []struct {
			Name   string
			Served bool
		}
	}
}

// InstallCRDs defines kinds, named like "HTTPRoute.gateway.networking.k8s.io", for the whole cluster and waits until they
// are served. Their definitions are in the folder that SLIPWAY_CRDS names (`make crds`); without the variable the test is
// skipped. That a kind is defined already is no error.
func (c *Cluster) InstallCRDs(tb testing.TB, kinds ...string) {
	tb.Helper()
	dir := os.Getenv(crdsVariable)
	if dir == "" {
		tb.Skipf("needs definitions of kinds: run `make crds` and set %s to the path of .cache/crds", crdsVariable)
	}
	config := c.RESTConfig(tb)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	found, err := definitions(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, kind := range kinds {
		if _, ok := found[kind]; !ok {
			tb.Fatalf("%s does not define %s", dir, kind)
		}
		const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
		_, err := send(client, http.MethodPost, config.Host+path, found[kind].text)
		if there, ok := errors.AsType[*statusError](err); err != nil && !(ok && there.code == http.StatusConflict) {
			tb.Fatalf("define %s: %v", kind, err)
		}
	}
	known, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		tb.Fatal(err)
	}
	for _, kind := range kinds {
		if err := served(known, found[kind].definition); err != nil {
			tb.Fatal(err)
		}
	}
}

// served waits until discovery tells of all versions of a kind, which is later than that they are served.
func served(client *discovery.DiscoveryClient, d definition) error {
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var lists []*metav1.APIResourceList
		if _, lists, err = client.ServerGroupsAndResources(); err != nil {
			continue
		}
		missing := 0
		for _, version := range d.Spec.Versions {
			if version.Served && !isListed(lists, d.Spec.Group+"/"+version.Name, d.Spec.Names.Plural) {
				missing++
			}
		}
		if missing == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s is still not served after a minute: %v", d.Metadata.Name, err)
}

func isListed(lists []*metav1.APIResourceList, groupVersion, plural string) bool {
	return slices.ContainsFunc(lists, func(list *metav1.APIResourceList) bool {
		return list.GroupVersion == groupVersion &&
			slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == plural })
	})
}

// defined is a definition and its text as JSON.
type defined struct {
	definition
	text string
}

// definitions are those of a folder, by kind and group.
func definitions(dir string) (map[string]defined, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s holds no definitions of kinds: run `make crds`", dir)
	}
	found := map[string]defined{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			var d defined
			text, err := yaml.YAMLToJSON([]byte(document))
			if err == nil {
				err = yaml.Unmarshal(text, &d.definition)
			}
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", file, err)
			}
			d.text = string(text)
			found[d.Spec.Names.Kind+"."+d.Spec.Group] = d
		}
	}
	return found, nil
}
