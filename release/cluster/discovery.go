package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// resource is where the API server serves the objects of a kind.
type resource struct {
	schema.GroupVersionResource
	Namespaced bool
}

// kinds is what the API server serves. It does not change once it is made.
type kinds struct {
	groups    []*metav1.APIGroup
	resources map[schema.GroupVersion]*metav1.APIResourceList
	failed    map[schema.GroupVersion]error // groups whose own server did not answer
	byKind    map[schema.GroupVersionKind]resource
	mapper    func() meta.RESTMapper
}

// server knows what the API server serves. What it has learnt it keeps until
// it is told to forget.
type server struct {
	discovery *discovery.DiscoveryClient
	rest      rest.Interface

	turn    chan struct{} // holds one token: who has it may ask the API server
	mu      sync.Mutex
	kinds   *kinds
	version *version.Info
}

func newServer(d *discovery.DiscoveryClient, r rest.Interface) *server {
	s := &server{discovery: d, rest: r, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// known is what is kept of the server, nil for what is not.
func (s *server) known() (*kinds, *version.Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kinds, s.version
}

// forget drops what is kept, unless it is something else than stale by now. Nil
// drops whatever there is.
func (s *server) forget(stale *kinds) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stale == nil || s.kinds == stale {
		s.kinds = nil
	}
}

// learn asks for what is not known. All requests are made at once. Concurrent
// callers wait for the first one and share its answer.
func (s *server) learn(ctx context.Context, withVersion bool) (*kinds, *version.Info, error) {
	k, v := s.known()
	if k != nil && (v != nil || !withVersion) {
		return k, v, nil
	}
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	}
	k, v = s.known()
	var work sync.WaitGroup
	var kindsErr, versionErr error
	if k == nil {
		work.Go(func() { k, kindsErr = s.askKinds(ctx) })
	}
	if v == nil && withVersion {
		work.Go(func() { v, versionErr = s.askVersion(ctx) })
	}
	work.Wait()
	if kindsErr != nil {
		return nil, nil, kindsErr
	}
	if versionErr != nil {
		return nil, nil, versionErr
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds, s.version = k, v
	return k, v, nil
}

func (s *server) askVersion(ctx context.Context) (*version.Info, error) {
	body, err := s.rest.Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		return nil, explain(err, "get", "/version", "", "", "")
	}
	info := new(version.Info)
	if err := json.Unmarshal(body, info); err != nil {
		return nil, fmt.Errorf("read the API server's version: %w", err)
	}
	return info, nil
}

// askKinds asks for everything that is served, by two requests if the API
// server has aggregated discovery (Kubernetes 1.30 and later), else by one for
// each group and version.
func (s *server) askKinds(ctx context.Context) (*kinds, error) {
	var core, rest answer
	var work sync.WaitGroup
	work.Go(func() { core = s.aggregated(ctx, "/api") })
	work.Go(func() { rest = s.aggregated(ctx, "/apis") })
	work.Wait()
	for _, a := range []answer{core, rest} {
		if a.err != nil {
			return nil, a.err
		}
	}
	k := &kinds{failed: map[schema.GroupVersion]error{}}
	if core.list == nil || rest.list == nil {
		return k, k.addEach(ctx, s.discovery)
	}
	k.resources = map[schema.GroupVersion]*metav1.APIResourceList{}
	for _, a := range []answer{core, rest} {
		groups, resources, failed := discovery.SplitGroupsAndResources(*a.list)
		for i := range groups.Groups {
			k.groups = append(k.groups, &groups.Groups[i])
		}
		for gv, list := range resources {
			k.resources[gv] = list
		}
		for gv, err := range failed {
			k.failed[gv] = err
		}
	}
	k.index()
	return k, nil
}

// answer is aggregated discovery, or a nil list from a server without it.
type answer struct {
	list *apidiscovery.APIGroupDiscoveryList
	err  error
}

func (s *server) aggregated(ctx context.Context, root string) answer {
	var contentType string
	body, err := s.rest.Get().AbsPath(root).
		SetHeader("Accept", discovery.AcceptV2+","+discovery.AcceptV1).
		Do(ctx).ContentType(&contentType).Raw()
	if apierrors.IsNotFound(err) {
		return answer{list: new(apidiscovery.APIGroupDiscoveryList)}
	}
	if err != nil {
		return answer{err: explain(err, "get", root, "", "", "")}
	}
	isAggregated, err := discovery.ContentTypeIsGVK(contentType, apidiscovery.SchemeGroupVersion.WithKind("APIGroupDiscoveryList"))
	if err != nil || !isAggregated {
		return answer{}
	}
	list := new(apidiscovery.APIGroupDiscoveryList)
	if err := json.Unmarshal(body, list); err != nil {
		return answer{err: fmt.Errorf("read what the API server serves: %w", err)}
	}
	return answer{list: list}
}

// addEach asks a server that cannot tell everything at once.
func (k *kinds) addEach(ctx context.Context, d *discovery.DiscoveryClient) error {
	groups, lists, err := d.ServerGroupsAndResourcesWithContext(ctx)
	if failed, ok := discovery.GroupDiscoveryFailedErrorGroups(err); ok {
		k.failed = failed
	} else if err != nil {
		return explain(err, "get", "/apis", "", "", "")
	}
	k.groups = groups
	k.resources = make(map[schema.GroupVersion]*metav1.APIResourceList, len(lists))
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return fmt.Errorf("read what the API server serves: %w", err)
		}
		k.resources[gv] = list
	}
	k.index()
	return nil
}

// index makes the tables that are looked up in.
func (k *kinds) index() {
	k.byKind = map[schema.GroupVersionKind]resource{}
	for gv, list := range k.resources {
		for i := range list.APIResources {
			r := &list.APIResources[i]
			gvk := gv.WithKind(r.Kind)
			if _, taken := k.byKind[gvk]; taken || isSubresource(r.Name) {
				continue
			}
			k.byKind[gvk] = resource{gv.WithResource(r.Name), r.Namespaced}
		}
	}
	k.mapper = sync.OnceValue(func() meta.RESTMapper {
		groups := make([]*restmapper.APIGroupResources, len(k.groups))
		for i, group := range k.groups {
			groups[i] = &restmapper.APIGroupResources{Group: *group, VersionedResources: map[string][]metav1.APIResource{}}
			for _, v := range group.Versions {
				if list := k.resources[schema.GroupVersion{Group: group.Name, Version: v.Version}]; list != nil {
					groups[i].VersionedResources[v.Version] = list.APIResources
				}
			}
		}
		return restmapper.NewDiscoveryRESTMapper(groups)
	})
}

func isSubresource(name string) bool { return strings.Contains(name, "/") }

// find is where objects of a kind are served.
func (k *kinds) find(apiVersion, kind string) (resource, bool) {
	r, ok := k.byKind[schema.FromAPIVersionAndKind(apiVersion, kind)]
	return r, ok
}

// hasFailed tells whether nothing is known of a group's version because its own
// server did not answer.
func (k *kinds) hasFailed(apiVersion string) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return nil
	}
	return k.failed[gv]
}

// versionSet are the API versions and kinds in the form that templates see:
// "apps/v1" and "apps/v1/Deployment", in order. Kinds of subresources are among
// them, as they are in Helm.
func (k *kinds) versionSet() []string {
	var set []string
	for _, group := range k.groups {
		for _, v := range group.Versions {
			set = append(set, v.GroupVersion)
		}
	}
	for gv, list := range k.resources {
		for i := range list.APIResources {
			set = append(set, path.Join(gv.String(), list.APIResources[i].Kind))
		}
	}
	slices.Sort(set)
	return slices.Compact(set)
}
