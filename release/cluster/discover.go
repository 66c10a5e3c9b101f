package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// Capabilities are those of the API server. API groups whose own server does
// not answer are left out, as Helm does. The caller owns the result.
func (c *Client) Capabilities(ctx context.Context) (*engine.Capabilities, error) {
	k, v, err := c.server.learn(ctx, true)
	if err != nil {
		return nil, err
	}
	capabilities := engine.DefaultCapabilities()
	capabilities.KubeVersion = engine.KubeVersion{Version: v.GitVersion, Major: v.Major, Minor: v.Minor}
	if set := k.versionSet(); len(set) > 0 {
		capabilities.APIVersions = set
	}
	return capabilities, nil
}

// Refresh forgets which kinds the API server serves.
func (c *Client) Refresh() { c.server.forget(nil) }

// Mapper finds the resource of a kind and the reverse, for libraries that ask
// for one. It knows what was served when it was asked for.
func (c *Client) Mapper(ctx context.Context) (meta.RESTMapper, error) {
	k, _, err := c.server.learn(ctx, false)
	if err != nil {
		return nil, err
	}
	return k.mapper(), nil
}

// Resolve gives the objects of namespaced kinds a namespace, that of their
// document or else the given one, takes it from those of other kinds, and sets
// apart objects of kinds that are not served. The order is kept.
//
// If a kind is not known the server is asked once more, in case it came into
// being since the last time. That a group's own server does not answer is a
// *RetryableError if an object is of that group.
func (c *Client) Resolve(ctx context.Context, objects []manifest.Object, namespace string) (deploy.Resolved, error) {
	before, _ := c.server.known()
	k, _, err := c.server.learn(ctx, false)
	if err != nil {
		return deploy.Resolved{}, err
	}
	resolved, err := k.resolve(objects, namespace)
	if before == nil || err == nil && len(resolved.Unknown) == 0 {
		return resolved, err
	}
	c.server.forget(before)
	if k, _, err = c.server.learn(ctx, false); err != nil {
		return deploy.Resolved{}, err
	}
	return k.resolve(objects, namespace)
}

func (k *kinds) resolve(objects []manifest.Object, namespace string) (deploy.Resolved, error) {
	resolved := deploy.Resolved{Objects: make([]manifest.Object, 0, len(objects))}
	for _, o := range objects {
		r, ok := k.find(o.APIVersion, o.Kind)
		if !ok {
			if err := k.hasFailed(o.APIVersion); err != nil {
				return deploy.Resolved{}, &RetryableError{Verb: "discover", Resource: o.Kind, Group: o.Group(), Err: err}
			}
			resolved.Unknown = append(resolved.Unknown, o)
			continue
		}
		switch {
		case !r.Namespaced && o.Namespace != "":
			o.Namespace = ""
			o.Fields = withoutNamespace(o.Fields)
		case r.Namespaced && o.Namespace == "":
			o.Namespace = namespace
		}
		resolved.Objects = append(resolved.Objects, o)
	}
	return resolved, nil
}

// withoutNamespace is a copy of an object without metadata.namespace, which the
// API server does not accept of a kind outside namespaces.
func withoutNamespace(fields map[string]any) map[string]any {
	metadata, ok := fields["metadata"].(map[string]any)
	if !ok {
		return fields
	}
	metadata = maps.Clone(metadata)
	delete(metadata, "namespace")
	fields = maps.Clone(fields)
	fields["metadata"] = metadata
	return fields
}

// resourceOf is where the objects of a kind are served. The error is a
// *deploy.RejectedError with the reason UnknownKind if they are not.
func (c *Client) resourceOf(ctx context.Context, ref manifest.Ref) (resource, error) {
	k, _, err := c.server.learn(ctx, false)
	if err != nil {
		return resource{}, err
	}
	r, ok := k.find(ref.APIVersion, ref.Kind)
	if !ok {
		if err := k.hasFailed(ref.APIVersion); err != nil {
			return resource{}, &RetryableError{Verb: "discover", Resource: ref.Kind, Group: ref.Group(), Err: err}
		}
		return resource{}, &deploy.RejectedError{
			Ref: ref, Reason: unknownKind,
			Err: fmt.Errorf("the API server does not serve %s of %s", ref.Kind, ref.APIVersion),
		}
	}
	return r, nil
}

// unknownKind is the reason of an error about a kind that is not served.
const unknownKind = "UnknownKind"

func isUnknownKind(err error) bool {
	var rejected *deploy.RejectedError
	return errors.As(err, &rejected) && rejected.Reason == unknownKind
}

// awaitResource is resourceOf for an object that is to be written: its kind was
// known or defined a moment ago. What the API server tells of a new definition
// lags behind it, so it is asked again for some seconds.
func (c *Client) awaitResource(ctx context.Context, ref manifest.Ref) (resource, error) {
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		before, _ := c.server.known()
		r, err := c.resourceOf(ctx, ref)
		if !isUnknownKind(err) || pause > 4*time.Second {
			return r, err
		}
		if before != nil {
			c.server.forget(before)
		}
		if err := sleep(ctx, pause); err != nil {
			return resource{}, err
		}
	}
}

// objects is a client for the objects of a kind in a namespace.
func (c *Client) objects(r resource, namespace string) dynamic.ResourceInterface {
	if r.Namespaced && namespace != "" {
		return c.dynamic.Resource(r.GroupVersionResource).Namespace(namespace)
	}
	return c.dynamic.Resource(r.GroupVersionResource)
}

// partial is as objects for their metadata alone.
func (c *Client) partial(r resource, namespace string) metadata.ResourceInterface {
	if r.Namespaced && namespace != "" {
		return c.metadata.Resource(r.GroupVersionResource).Namespace(namespace)
	}
	return c.metadata.Resource(r.GroupVersionResource)
}

// Lookup is the template function of that name. An object that does not exist
// is an empty map; without a name a list is returned. Anything else that goes
// wrong ends the rendering, also an API version that is not served. A namespace
// is ignored for kinds outside namespaces.
func (c *Client) Lookup(ctx context.Context) engine.LookupFunc {
	return func(apiVersion, kind, namespace, name string) (map[string]any, error) {
		k, _, err := c.server.learn(ctx, false)
		if err != nil {
			return nil, err
		}
		r, ok := k.find(apiVersion, kind)
		if !ok {
			return k.lookupUnknown(apiVersion, kind)
		}
		client := c.objects(r, namespace)
		var fields map[string]any
		verb := "get"
		if name != "" {
			object, getErr := client.Get(ctx, name, metav1.GetOptions{})
			if err = getErr; err == nil {
				fields = object.UnstructuredContent()
			}
		} else {
			verb = "list"
			list, listErr := client.List(ctx, metav1.ListOptions{})
			if err = listErr; err == nil {
				fields = list.UnstructuredContent()
			}
		}
		if apierrors.IsNotFound(err) {
			return map[string]any{}, nil
		}
		if err != nil {
			return nil, explain(err, verb, r.Resource, r.Group, namespace, name)
		}
		return fields, nil
	}
}

// lookupUnknown answers for a kind that is not served: nothing, if the API
// version is, else an error.
func (k *kinds) lookupUnknown(apiVersion, kind string) (map[string]any, error) {
	if err := k.hasFailed(apiVersion); err != nil {
		return nil, &RetryableError{Verb: "discover", Resource: kind, Group: manifest.Ref{APIVersion: apiVersion}.Group(), Err: err}
	}
	for _, group := range k.groups {
		for _, v := range group.Versions {
			if v.GroupVersion == apiVersion {
				return map[string]any{}, nil
			}
		}
	}
	return nil, fmt.Errorf("look up %s: the API server does not serve %s", kind, apiVersion)
}
