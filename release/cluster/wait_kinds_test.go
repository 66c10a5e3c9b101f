package cluster

import (
	"context"
	"slices"
	"testing"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestClaimsAreWaitedForUnlessAPodHasToComeFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	class := "late-" + r.namespace
	release := r.install(t,
		"{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: "+class+"}, provisioner: example.com/none, volumeBindingMode: WaitForFirstConsumer}",
		"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: late}, spec: {storageClassName: "+class+", accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
		"{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: soon}, spec: {storageClassName: standard, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Delete(ctx, release[0].Ref, deploy.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	var progress told
	if err := r.Wait(r.ctx, release, deploy.WaitOptions{Progress: progress.note}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/late true not waited for: it is bound when a pod uses it", "/soon true "} {
		if want = "PersistentVolumeClaim " + r.namespace + want; !slices.Contains(progress, want) {
			t.Errorf("got %q, want %q among it", progress, want)
		}
	}
}

func TestCustomResourcesAreWaitedForByTheirConditions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	group := r.namespace + ".example.com"
	definition := r.install(t, "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: shops."+group+"}, spec: {group: "+group+", scope: Namespaced, names: {plural: shops, kind: Shop}, "+
		"versions: [{name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Delete(ctx, definition[0].Ref, deploy.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	if err := r.Wait(r.ctx, definition, deploy.WaitOptions{}); err != nil {
		t.Fatal(err)
	}
	r.untilServed(t, manifest.Ref{APIVersion: group + "/v1", Kind: "Shop"})
	release := r.install(t, "{apiVersion: "+group+"/v1, kind: Shop, metadata: {name: plain}}", "{apiVersion: "+group+"/v1, kind: Shop, metadata: {name: busy}}")
	condition := func(value string) string {
		return `{"status":{"conditions":[{"type":"Ready","status":"` + value + `","reason":"Painting","message":"the paint is wet","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`
	}
	r.patch(t, release[1].Ref, condition("False"), "status")
	var progress told
	err := r.Wait(r.ctx, release, deploy.WaitOptions{Progress: func(p deploy.Progress) {
		progress.note(p)
		if p.Message == "the paint is wet" {
			r.patch(t, release[1].Ref, condition("True"), "status")
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := told{"Shop " + r.namespace + "/plain true ", "Shop " + r.namespace + "/busy false the paint is wet", "Shop " + r.namespace + "/busy true "}
	if !slices.Equal(progress, want) {
		t.Errorf("got %q, want %q", progress, want)
	}
}
