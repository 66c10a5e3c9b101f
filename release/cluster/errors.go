package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// RetryableError says that the API server or something it depends on, such as
// an admission webhook, could not do its work just now. The request may have
// been carried out all the same if the answer was lost on its way.
type RetryableError struct {
	Verb, Resource, Group, Namespace, Name string
	Err                                    error
}

func (e *RetryableError) Error() string {
	return e.Verb + " " + requestTarget(e.Resource, e.Group, e.Namespace, e.Name) + ": " + e.Err.Error()
}

func (e *RetryableError) Unwrap() error { return e.Err }

// Retryable tells that the same request may succeed later. It is always true.
func (e *RetryableError) Retryable() bool { return true }

// requestError is any other failure of a request.
type requestError struct {
	verb, target string
	err          error
}

func (e *requestError) Error() string { return e.verb + " " + e.target + ": " + e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// requestTarget is how errors name what a request was for: "secrets",
// "deployments.apps prod/web".
func requestTarget(resource, group, namespace, name string) string {
	target := resource
	if group != "" {
		target += "." + group
	}
	switch {
	case name != "" && namespace != "":
		return target + " " + namespace + "/" + name
	case name != "":
		return target + " " + name
	case namespace != "":
		return target + " in namespace " + namespace
	}
	return target
}

// explain turns what a request to the API server failed with into an error that
// package deploy knows. The verb is that of the cluster's access rules: get,
// list, watch, create, update, patch, delete.
//
// It returns nil for nil and the end of a context as it is. Causes stay
// reachable: apierrors.IsNotFound and its like work on the result. Every 403 is
// taken for a matter of access rules; [Client.denied] knows better and costs a
// request.
func explain(err error, verb, resource, group, namespace, name string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var unreachable *deploy.UnreachableError
	if errors.As(err, &unreachable) {
		return unreachable
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		var address *url.Error
		if errors.As(err, &address) {
			return &deploy.UnreachableError{Server: serverOf(address.URL), Err: address.Err}
		}
		return &requestError{verb, requestTarget(resource, group, namespace, name), err}
	}
	switch s := status.Status(); {
	case s.Code == http.StatusUnauthorized:
		return &deploy.UnreachableError{Unauthenticated: true, Err: err}
	case s.Code == http.StatusForbidden:
		return &deploy.ForbiddenError{Verb: verb, Resource: resource, Group: group, Namespace: namespace, Name: name, Err: err}
	case isTransient(s):
		return &RetryableError{verb, resource, group, namespace, name, err}
	}
	return &requestError{verb, requestTarget(resource, group, namespace, name), err}
}

// isExplained tells whether an error is one of those that explain makes.
func isExplained(err error) bool {
	var forbidden *deploy.ForbiddenError
	var unreachable *deploy.UnreachableError
	var retryable *RetryableError
	var other *requestError
	return errors.As(err, &forbidden) || errors.As(err, &unreachable) || errors.As(err, &retryable) || errors.As(err, &other)
}

// isMisfit tells whether a server-side apply was refused because the document
// does not fit its schema: a plain 500 without a reason.
func isMisfit(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	s := status.Status()
	return s.Code == http.StatusInternalServerError && s.Reason == ""
}

// isTransient tells whether a refusal speaks of the server's state and not of
// the request. An admission webhook that cannot be called is an internal error.
func isTransient(s metav1.Status) bool {
	switch s.Reason {
	case metav1.StatusReasonServerTimeout, metav1.StatusReasonTimeout, metav1.StatusReasonTooManyRequests,
		metav1.StatusReasonServiceUnavailable, metav1.StatusReasonInternalError:
		return true
	}
	return s.Code == http.StatusTooManyRequests || s.Code > http.StatusInternalServerError
}

// rejected tells of an object that the API server does not accept. Errors that
// explain has found a better word for, and those of the connection, stay as they are.
func rejected(err error, ref manifest.Ref) error {
	var plain *requestError
	if !errors.As(err, &plain) {
		return err
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err
	}
	reason := status.Status().Reason
	if reason == "" {
		reason = metav1.StatusReasonInvalid
	}
	return &deploy.RejectedError{Ref: ref, Reason: string(reason), Err: plain.err}
}

// serverOf is the scheme and host of an address.
func serverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Scheme + "://" + u.Host
}

// credentials is a transport that knows what server does not accept a caller's
// credentials, which the answer itself does not say.
type credentials struct{ next http.RoundTripper }

// RoundTrip turns an answer of 401 into a *deploy.UnreachableError.
func (c credentials) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	closeErr := response.Body.Close()
	return nil, &deploy.UnreachableError{
		Server:          r.URL.Scheme + "://" + r.URL.Host,
		Unauthenticated: true,
		Err:             errors.Join(errors.New("the server answered 401 Unauthorized"), closeErr),
	}
}

// WrappedRoundTripper lets client-go find the transport below.
func (c credentials) WrappedRoundTripper() http.RoundTripper { return c.next }
