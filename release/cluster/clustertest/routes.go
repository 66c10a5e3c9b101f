package clustertest

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// AcceptRoutes is a mock of a Gateway's controller: until the test ends it writes the status of the HTTPRoutes and
// GRPCRoutes in a namespace. Each parent has accepted each route; ResolvedRefs is true if the Services that the route sends
// to exist. There is no Gateway, and no traffic flows. The kinds have to be defined: see [Cluster.InstallCRDs].
func (c *Cluster) AcceptRoutes(tb testing.TB, namespace string) {
	tb.Helper()
	client, err := dynamic.NewForConfig(c.RESTConfig(tb))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			for _, resource := range []string{"httproutes", "grpcroutes"} {
				if err := acceptAll(ctx, client, resource, namespace); err != nil && ctx.Err() == nil {
					tb.Errorf("the mock of a Gateway's controller: %v", err)
					return
				}
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	tb.Cleanup(func() { cancel(); <-ended })
}

// acceptAll writes the status of the routes that have another one.
func acceptAll(ctx context.Context, client dynamic.Interface, resource, namespace string) error {
	routes := client.Resource(schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: resource}).Namespace(namespace)
	list, err := routes.List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil // the kind is not defined
	}
	if err != nil {
		return err
	}
	services, err := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "services"}).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for i := range services.Items {
		there[services.Items[i].GetName()] = true
	}
	for i := range list.Items {
		route := &list.Items[i]
		status := map[string]any{"parents": parentsOf(route, there)}
		if reflect.DeepEqual(route.Object["status"], status) {
			continue
		}
		route.Object["status"] = status
		_, err := routes.UpdateStatus(ctx, route, metav1.UpdateOptions{})
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// parentsOf is what the parents of a route say of it.
func parentsOf(route *unstructured.Unstructured, services map[string]bool) []any {
	var spec struct {
		ParentRefs []map[string]any
		Rules      []struct{ BackendRefs []struct{ Name string } }
	}
	raw, _ := json.Marshal(route.Object["spec"]) // it was JSON
	_ = json.Unmarshal(raw, &spec)
	resolved, reason := "True", "ResolvedRefs"
	for _, rule := range spec.Rules {
		for _, backend := range rule.BackendRefs {
			if !services[backend.Name] {
				resolved, reason = "False", "BackendNotFound"
			}
		}
	}
	condition := func(name, status, reason string) any {
		return map[string]any{
			"type": name, "status": status, "reason": reason, "message": "said by a mock",
			"observedGeneration": route.GetGeneration(), "lastTransitionTime": "2026-01-01T00:00:00Z",
		}
	}
	var parents []any
	for _, ref := range spec.ParentRefs {
		parents = append(parents, map[string]any{
			"parentRef": any(ref), "controllerName": "slipway.dev/mock",
			"conditions": []any{condition("Accepted", "True", "Accepted"), condition("ResolvedRefs", resolved, reason)},
		})
	}
	return parents
}
