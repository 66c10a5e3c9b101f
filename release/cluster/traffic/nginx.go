package traffic

import (
	"fmt"
	"strconv"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
)

const (
	ingressGroup      = "networking.k8s.io"
	nginxCanary       = "nginx.ingress.kubernetes.io/canary"
	nginxCanaryWeight = "nginx.ingress.kubernetes.io/canary-weight"
	ingressClass      = "kubernetes.io/ingress.class"
)

// Nginx divides traffic by second Ingresses, which ingress-nginx takes for the canaries of the first.
type Nginx struct{}

// Name is nginx.
func (Nginx) Name() string { return "nginx" }

// Kinds is Ingress.
func (Nginx) Kinds() []string { return []string{"Ingress." + ingressGroup} }

// Split makes an Ingress NAME-canary for each Ingress with a Service for a
// backend. It has the same class and those hosts and paths that lead to the
// Service; everything else ingress-nginx takes from the first one, which stays as it is.
func (n Nginx) Split(objects []manifest.Object, services map[string]string, weight int) ([]manifest.Object, error) {
	if err := checkWeight(weight); err != nil {
		return nil, err
	}
	var canaries []manifest.Object
	for _, o := range objects {
		if o.Group() != ingressGroup || o.Kind != "Ingress" {
			continue
		}
		spec := canarySpec(o, services)
		if spec == nil {
			continue
		}
		annotations := o.Annotations()
		if annotations[nginxCanary] == "true" {
			return nil, fmt.Errorf("%s is a canary itself, and ingress-nginx takes one: take it out of the chart, or choose another router", o.Ref)
		}
		added := map[string]any{nginxCanary: "true", nginxCanaryWeight: strconv.Itoa(weight)}
		if class, ok := annotations[ingressClass]; ok {
			added[ingressClass] = class
		}
		canaries = append(canaries, beside(o, spec, added))
	}
	if len(canaries) == 0 {
		return nil, unrouted(n.Name(), n.Kinds(), services)
	}
	return canaries, nil
}

// Settled is always true: ingress-nginx says nothing.
func (Nginx) Settled(derive.Fields) (bool, string) { return true, "" }

// canarySpec is the part of an Ingress that leads to the Services, with their
// canaries in their place; nil if nothing does.
func canarySpec(o manifest.Object, services map[string]string) map[string]any {
	spec := map[string]any{}
	var rules []any
	for _, rule := range objectsAt(o.Fields, "spec", "rules") {
		var paths []any
		for _, path := range objectsAt(rule, "http", "paths") {
			if other := canaryBackend(path, "backend", services); other != nil {
				paths = append(paths, other)
			}
		}
		if paths == nil {
			continue
		}
		other := map[string]any{"http": map[string]any{"paths": paths}}
		if host, ok := rule["host"]; ok {
			other["host"] = host
		}
		rules = append(rules, other)
	}
	if rules != nil {
		spec["rules"] = rules
	}
	if other := canaryBackend(at[map[string]any](o.Fields, "spec"), "defaultBackend", services); other != nil {
		spec["defaultBackend"] = other["defaultBackend"]
	}
	if len(spec) == 0 {
		return nil
	}
	if class := at[string](o.Fields, "spec", "ingressClassName"); class != "" {
		spec["ingressClassName"] = class
	}
	return spec
}

// canaryBackend is a copy of what has a backend under a key, with the canary of
// its Service for a backend; nil if that is none of the Services.
func canaryBackend(fields map[string]any, key string, services map[string]string) map[string]any {
	canary := services[at[string](fields, key, "service", "name")]
	if canary == "" {
		return nil
	}
	other, _ := clone(fields).(map[string]any)
	at[map[string]any](other, key, "service")["name"] = canary
	return other
}

// beside is an object NAME-canary with the labels of another one.
func beside(o manifest.Object, spec, annotations map[string]any) manifest.Object {
	o.Name += "-canary"
	metadata := map[string]any{"name": o.Name}
	if namespace := at[string](o.Fields, "metadata", "namespace"); namespace != "" {
		metadata["namespace"] = namespace
	}
	if labels := at[map[string]any](o.Fields, "metadata", "labels"); labels != nil {
		metadata["labels"] = clone(labels)
	}
	if annotations != nil {
		metadata["annotations"] = annotations
	}
	o.Fields = map[string]any{"apiVersion": o.APIVersion, "kind": o.Kind, "metadata": metadata, "spec": spec}
	return o
}
