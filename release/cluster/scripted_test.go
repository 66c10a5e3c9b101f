package cluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// scripted is a server that answers as a test tells it to, where the real one
// cannot be brought to it.
type scripted struct {
	*requests
	mux    *http.ServeMux
	client *Client
	url    string
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{mux: http.NewServeMux(), requests: &requests{}}
	server := httptest.NewServer(s.mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, `{"major": "1", "minor": "36", "gitVersion": "v1.36.0"}`)
	})
	config := &rest.Config{Host: server.URL}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		s.next = next
		return s.requests
	})
	client, err := New(config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	s.serve("/api", legacyCore)
	s.serve("/api/v1", coreResources)
	s.serve("/apis", `{"kind": "APIGroupList", "apiVersion": "v1", "groups": [
		{"name": "metrics.example.com", "versions": [{"groupVersion": "metrics.example.com/v1", "version": "v1"}], "preferredVersion": {"groupVersion": "metrics.example.com/v1", "version": "v1"}}]}`)
	return s
}

const (
	legacyCore    = `{"kind": "APIVersions", "versions": ["v1"]}`
	coreResources = `{"kind": "APIResourceList", "groupVersion": "v1", "resources": [
		{"name": "configmaps", "kind": "ConfigMap", "namespaced": true, "verbs": ["get", "list"]},
		{"name": "configmaps/odd", "kind": "Odd", "namespaced": true, "verbs": ["get"]}]}`
)

func (s *scripted) serve(path, body string) {
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, body) })
}

func respond(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// collection serves ConfigMaps c0000, c0001, ... by pages and one by one.
func (s *scripted) collection(path string, size int) {
	item := func(i int) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": fmt.Sprintf("c%04d", i)}}
	}
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.Atoi(r.URL.Query().Get("continue"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		end := min(start+limit, size)
		list := map[string]any{"apiVersion": "v1", "kind": "ConfigMapList", "metadata": map[string]any{}}
		if end < size {
			list["metadata"] = map[string]any{"continue": strconv.Itoa(end), "remainingItemCount": size - end}
		}
		var items []any
		for i := start; i < end; i++ {
			items = append(items, item(i))
		}
		list["items"] = items
		raw, _ := json.Marshal(list)
		respond(w, http.StatusOK, string(raw))
	})
	s.mux.HandleFunc("GET "+path+"/{name}", func(w http.ResponseWriter, r *http.Request) {
		i, _ := strconv.Atoi(strings.TrimPrefix(r.PathValue("name"), "c"))
		raw, _ := json.Marshal(item(i))
		respond(w, http.StatusOK, string(raw))
	})
}

// count is how many requests were for a path, or below it if it ends with a slash.
func (s *scripted) count(request string) int {
	n := 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, made := range s.made {
		if made == request || strings.HasSuffix(request, "/") && strings.HasPrefix(made, request) {
			n++
		}
	}
	return n
}

func (s *scripted) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = nil
}
