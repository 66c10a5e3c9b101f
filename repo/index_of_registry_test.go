package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oneChart is a registry that has one archive, whatever it is asked for.
type oneChart struct {
	archive []byte
	asked   []string
	access  Access
}

func (r *oneChart) Fetch(_ context.Context, reference, version string, access Access) ([]byte, string, []byte, error) {
	r.asked, r.access = append(r.asked, reference+" "+version), access
	return r.archive, "oci://registry.example.com/charts/web:1.0.0+b@sha256:" + strings.Repeat("0", 64), []byte("prov"), nil
}

func (*oneChart) Tags(context.Context, string, Access) ([]string, error) {
	return nil, errors.New("nobody wants them")
}

// TestAnIndexMayNameARegistry has a repository whose charts are in a registry.
func TestAnIndexMayNameARegistry(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "repositories.yaml"), []byte("repositories:\n- {name: local, url: 'https://charts.example.com', username: me, password: secret}\n"))
	if err := os.Mkdir(filepath.Join(dir, "cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	entry := "- {name: web, version: %s, digest: '%s', urls: ['%s']}\n"
	write(t, filepath.Join(dir, "cache", "local-index.yaml"), []byte("apiVersion: v1\nentries:\n  web:\n"+
		"  "+fmt.Sprintf(entry, "1.0.0+b", "", "oci://registry.example.com/charts/web:1.0.0_b")+
		"  "+fmt.Sprintf(entry, "2.0.0", strings.Repeat("1", 64), "oci://registry.example.com/charts/web:2.0.0")+
		"  "+fmt.Sprintf(entry, "3.0.0", "", "oci://registry.example.com/charts/web")))
	registry := &oneChart{archive: []byte("archive")}
	s := &Source{Home: Home{Config: filepath.Join(dir, "repositories.yaml"), Cache: filepath.Join(dir, "cache")}, OCI: registry}
	p, err := s.Chart(t.Context(), Request{Ref: "local/web", Version: "1.0.0+b", Access: Access{PlainHTTP: true}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "web-1.0.0+b.tgz" || len(registry.asked) != 1 || registry.asked[0] != "oci://registry.example.com/charts/web:1.0.0_b " {
		t.Errorf("%s by %q", p.Name, registry.asked)
	}
	if registry.access != (Access{PlainHTTP: true}) {
		t.Errorf("the registry got %+v", registry.access)
	}
	if prov, err := s.Provenance(t.Context(), p); err != nil || string(prov) != "prov" {
		t.Errorf("%q %v", prov, err)
	}
	if _, err := s.Chart(t.Context(), Request{Ref: "local/web", Version: "2.0.0"}); !errors.Is(err, ErrDigest) {
		t.Errorf("another digest than the index has: %v", err)
	}
	if _, err := s.Chart(t.Context(), Request{Ref: "local/web", Version: "3.0.0"}); err == nil || !strings.Contains(err.Error(), "neither a version") {
		t.Errorf("a reference without a version: %v", err)
	}
	s.Offline = true
	if p, err := s.Chart(t.Context(), Request{Ref: "local/web", Version: "1.0.0+b"}); err != nil || p.Name != "web-1.0.0+b.tgz" {
		t.Errorf("offline: %v", err)
	}

	s.Trust = &Trust{Rules: []Rule{{URL: "https://charts.example.com", Verify: VerifyRequire}}}
	if _, err := s.Chart(t.Context(), Request{Ref: "local/web", Version: "1.0.0+b"}); !errors.As(err, new(*UnverifiedError)) {
		t.Errorf("the rule for the repository does not count: %v", err)
	}
}
