package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

func TestAnEventTellsOfARevision(t *testing.T) {
	f := newFixture(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.options.Now = func() time.Time { return now }
	f.Event(t.Context(), deploy.Event{
		Release: "shop", Namespace: f.namespace, Revision: 3, Reason: "Upgraded", Message: "It is " + strings.Repeat("é", 600), Warning: true,
		Operation: &release.Operation{ID: "01J", Audit: release.Audit{Actor: "ann", Commit: "abc"}},
	})
	list, err := f.Kubernetes().CoreV1().Events(f.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d events, %v", len(list.Items), err)
	}
	event := list.Items[0]
	want := map[string]string{
		"slipway.dev/release": "shop", "slipway.dev/revision": "3", "slipway.dev/operation": "01J",
		"slipway.dev/actor": "ann", "slipway.dev/commit": "abc",
	}
	if diff := cmp.Diff(want, event.Annotations); diff != "" {
		t.Error(diff)
	}
	if event.InvolvedObject.Name != "sh.helm.release.v1.shop.v3" || event.Type != "Warning" || event.Reason != "Upgraded" ||
		!event.LastTimestamp.Time.Equal(now) || event.Source.Component != "slipway" {
		t.Errorf("%+v", event)
	}
	if len(event.Message) > longestMessage || !strings.HasSuffix(event.Message, "é") {
		t.Errorf("message of %d bytes that ends with %q", len(event.Message), event.Message[len(event.Message)-3:])
	}
}

func TestAnEventThatCannotBeWrittenIsDropped(t *testing.T) {
	f := newFixture(t)
	f.as("silent", "get core configmaps").Event(t.Context(), deploy.Event{Release: "shop", Namespace: f.namespace, Revision: 1, Reason: "X", Message: "x"})
	list, err := f.Kubernetes().CoreV1().Events(f.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("%d events, %v", len(list.Items), err)
	}
}
