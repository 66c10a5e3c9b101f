package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	reviews "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// Permission is one thing that a caller may or may not do.
type Permission struct {
	Verb        string // get, list, watch, create, update, patch, delete, ...
	Group       string // "" for the core group
	Resource    string // such as deployments
	Subresource string
	Namespace   string // "" for resources outside namespaces, and for all namespaces
	Name        string // "" for any
}

// CanI returns those of the permissions that the caller does not have, in their
// order and without repetition.
//
// It asks for the rules of each namespace once, and singly for what is outside
// namespaces or not found in the rules, if the server says that these are not
// all it knows. So it costs one request for each namespace, as a rule.
func (c *Client) CanI(ctx context.Context, permissions []Permission) ([]Permission, error) {
	seen := map[Permission]bool{}
	byNamespace := map[string][]Permission{}
	for _, p := range permissions {
		if !seen[p] {
			seen[p] = true
			byNamespace[p.Namespace] = append(byNamespace[p.Namespace], p)
		}
	}
	missing := make(chan Permission, len(seen))
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(c.options.Concurrency)
	for namespace, wanted := range byNamespace {
		work.Go(func() error { return c.review(workCtx, namespace, wanted, missing) })
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	close(missing)
	lacking := map[Permission]bool{}
	for p := range missing {
		lacking[p] = true
	}
	var result []Permission
	for _, p := range permissions {
		if lacking[p] {
			delete(lacking, p)
			result = append(result, p)
		}
	}
	return result, nil
}

// review sends the wanted permissions that the caller does not have in a
// namespace to missing.
func (c *Client) review(ctx context.Context, namespace string, wanted []Permission, missing chan<- Permission) error {
	wanted = c.ahead.lacking(ctx, namespace, wanted)
	ask := wanted
	if namespace != "" && len(wanted) > 1 {
		rules, complete, err := c.rules(ctx, namespace)
		if err != nil {
			return err
		}
		ask = nil
		for _, p := range wanted {
			switch {
			case p.allowedBy(rules):
			case complete:
				missing <- p
			default:
				ask = append(ask, p)
			}
		}
	}
	work, workCtx := errgroup.WithContext(ctx)
	work.SetLimit(c.options.Concurrency)
	for _, p := range ask {
		work.Go(func() error {
			denied, err := c.denied(workCtx, p)
			if denied {
				missing <- p
			}
			return err
		})
	}
	return work.Wait()
}

// rules are the access rules of the caller in a namespace, and whether the
// server knows them all.
func (c *Client) rules(ctx context.Context, namespace string) ([]authorization.ResourceRule, bool, error) {
	review, err := c.kubernetes.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx,
		&authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: namespace}},
		metav1.CreateOptions{})
	if err != nil {
		return nil, false, explain(err, "create", "selfsubjectrulesreviews", authorization.GroupName, "", "")
	}
	return review.Status.ResourceRules, !review.Status.Incomplete, nil
}

// AskRights begins to ask for the access rules of a namespace, so that whoever
// wants to know of permissions there before ctx ends need not wait for them, as
// far as they are granted. What is missing is asked for anew.
func (c *Client) AskRights(ctx context.Context, namespace string) {
	a := &aheadRules{done: make(chan struct{})}
	c.ahead.put(namespace, a)
	context.AfterFunc(ctx, func() { c.ahead.drop(namespace, a) })
	go func() {
		defer close(a.done)
		if rules, _, err := c.rules(ctx, namespace); err == nil {
			a.rules = rules
		}
	}()
}

// aheadRules are access rules that are being asked for.
type aheadRules struct {
	done  chan struct{} // closed when rules is set
	rules []authorization.ResourceRule
}

// rulesAhead are those of some namespaces. The zero value has none.
type rulesAhead struct {
	mu sync.Mutex
	of map[string]*aheadRules
}

func (r *rulesAhead) put(namespace string, a *aheadRules) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]*aheadRules{}
	}
	r.of[namespace] = a
}

func (r *rulesAhead) drop(namespace string, a *aheadRules) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[namespace] == a {
		delete(r.of, namespace)
	}
}

// lacking are those of the permissions that the rules asked for ahead do not grant:
// all of them, if none were.
func (r *rulesAhead) lacking(ctx context.Context, namespace string, wanted []Permission) []Permission {
	r.mu.Lock()
	a := r.of[namespace]
	r.mu.Unlock()
	if a == nil {
		return wanted
	}
	select {
	case <-ctx.Done():
		return wanted
	case <-a.done:
	}
	var left []Permission
	for _, p := range wanted {
		if !p.allowedBy(a.rules) {
			left = append(left, p)
		}
	}
	return left
}

// denied tells whether the API server would refuse a request because of its
// access rules.
func (c *Client) denied(ctx context.Context, p Permission) (bool, error) {
	return isDenied(ctx, c.kubernetes.AuthorizationV1(), p)
}

func isDenied(ctx context.Context, access reviews.SelfSubjectAccessReviewsGetter, p Permission) (bool, error) {
	review, err := access.SelfSubjectAccessReviews().Create(ctx,
		&authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorization.ResourceAttributes{
				Verb: p.Verb, Group: p.Group, Resource: p.Resource, Subresource: p.Subresource,
				Namespace: p.Namespace, Name: p.Name, Version: "*",
			},
		}}, metav1.CreateOptions{})
	if err != nil {
		return false, explain(err, "create", "selfsubjectaccessreviews", authorization.GroupName, "", "")
	}
	return !review.Status.Allowed, nil
}

// allowedBy tells whether one of the rules grants a permission.
func (p Permission) allowedBy(rules []authorization.ResourceRule) bool {
	return slices.ContainsFunc(rules, func(rule authorization.ResourceRule) bool {
		return has(rule.Verbs, p.Verb) && has(rule.APIGroups, p.Group) &&
			slices.ContainsFunc(rule.Resources, p.isResource) &&
			(len(rule.ResourceNames) == 0 || p.Name != "" && slices.Contains(rule.ResourceNames, p.Name))
	})
}

// isResource compares with the resource of a rule: "*", "pods", "pods/log" or "*/log".
func (p Permission) isResource(rule string) bool {
	resource, subresource, _ := strings.Cut(rule, "/")
	return rule == "*" || (resource == "*" || resource == p.Resource) && subresource == p.Subresource
}

func has(values []string, value string) bool {
	return slices.Contains(values, "*") || slices.Contains(values, value)
}
