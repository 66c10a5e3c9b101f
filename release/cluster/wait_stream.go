package cluster

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/e6d26078/slipway/release/deploy"
)

const (
	pageSize     = 500 // objects per list request
	watchSeconds = 300 // after which the server ends a watch
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// stream follows the objects of one kind in one namespace: it lists them once
// and watches from there. It asks again only when the connection is lost, and
// lists again only when the server no longer knows the version it had come to.
type stream struct {
	resource dynamic.ResourceInterface
	labels   string       // selector, "" for all
	fields   string       // selector, "" for all
	send     func(change) // called from one goroutine at a time; gives up when the context ends
	down     bool         // the last request did not succeed
}

// change is what a stream tells. One of its fields is set, or none when the API
// server answers again.
type change struct {
	listed  *listing
	updated *unstructured.Unstructured
	deleted *unstructured.Unstructured
	err     error // the stream has ended
	// retrying is why the last request did not succeed. The stream goes on.
	retrying error
}

// streamError is what a request of a stream failed with.
type streamError struct {
	verb string
	err  error
}

func (e *streamError) Error() string { return e.verb + ": " + e.err.Error() }
func (e *streamError) Unwrap() error { return e.err }

// listing is all objects at one moment.
type listing struct {
	objects []unstructured.Unstructured
	version string // resourceVersion
}

func (s *stream) options() metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: s.labels, FieldSelector: s.fields}
}

// list reads the objects, page by page. It tries again when the API server
// cannot be reached, until the context ends.
func (s *stream) list(ctx context.Context) (*listing, error) {
	pause := backoff{}
	for {
		l, err := s.listOnce(ctx)
		if err == nil || ctx.Err() != nil || !passing(err) {
			return l, err
		}
		s.down = true
		s.send(change{retrying: err})
		if pause.wait(ctx) != nil {
			return nil, err
		}
	}
}

func (s *stream) listOnce(ctx context.Context) (*listing, error) {
	all := &listing{}
	ctx = impatient(ctx)
	options := s.options()
	options.Limit = pageSize
	for {
		page, err := s.resource.List(ctx, options)
		if err != nil {
			return nil, &streamError{"list", err}
		}
		all.objects = append(all.objects, page.Items...)
		all.version = page.GetResourceVersion()
		options.Continue = page.GetContinue()
		if options.Continue == "" {
			return all, nil
		}
	}
}

// follow watches from a version until the context ends or an error comes that
// will not pass.
func (s *stream) follow(ctx context.Context, version string) {
	pause := backoff{}
	for ctx.Err() == nil {
		came, err := s.watchFrom(ctx, &version)
		if came {
			pause = backoff{}
		}
		switch {
		case ctx.Err() != nil:
			return
		case expired(err):
			l, err := s.list(ctx)
			if err != nil {
				s.send(change{err: err})
				return
			}
			version = l.version
			s.send(change{listed: l})
		case err != nil && !passing(err):
			s.send(change{err: err})
			return
		case err != nil:
			s.down = true
			s.send(change{retrying: err})
		}
		if pause.wait(ctx) != nil {
			return
		}
	}
}

// watchFrom watches once, until the connection ends, and moves version on. It
// says whether anything came.
func (s *stream) watchFrom(ctx context.Context, version *string) (came bool, err error) {
	options := s.options()
	options.ResourceVersion = *version
	options.AllowWatchBookmarks = true
	seconds := int64(watchSeconds)
	options.TimeoutSeconds = &seconds
	w, err := s.resource.Watch(impatient(ctx), options)
	if err != nil {
		return false, &streamError{"watch", err}
	}
	defer w.Stop()
	if s.down {
		s.down = false
		s.send(change{})
	}
	for {
		select {
		case <-ctx.Done():
			return came, ctx.Err()
		case event, open := <-w.ResultChan():
			if !open {
				return came, nil
			}
			if event.Type == watch.Error {
				return came, &streamError{"watch", apierrors.FromObject(event.Object)}
			}
			u, isObject := event.Object.(*unstructured.Unstructured)
			if !isObject {
				continue
			}
			came = true
			*version = u.GetResourceVersion()
			switch event.Type {
			case watch.Added, watch.Modified:
				s.send(change{updated: u})
			case watch.Deleted:
				s.send(change{deleted: u})
			}
		}
	}
}

// expired says that the server no longer has the history since a version.
func expired(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
}

// passing says that an error may be gone at the next try: everything but a
// clear answer of the API server that the request is not a good one.
func passing(err error) bool {
	if expired(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) {
		return true
	}
	var unreachable *deploy.UnreachableError
	if errors.As(err, &unreachable) && unreachable.Unauthenticated {
		return false
	}
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return true
	}
	code := answer.Status().Code
	return code < 400 || code >= 500
}

// backoff makes the pauses between tries: none before the first, then longer
// and longer ones.
type backoff struct {
	next  time.Duration
	tried bool
}

func (b *backoff) wait(ctx context.Context) error {
	if !b.tried {
		b.tried, b.next = true, firstPause
		return ctx.Err()
	}
	timer := time.NewTimer(b.next)
	defer timer.Stop()
	b.next = min(2*b.next, longestPause)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
