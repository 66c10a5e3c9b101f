package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/e6d26078/slipway/release/deploy"
)

// defaultPatience is what New takes for none.
const defaultPatience = 12 * time.Second

// patient is a transport that repeats requests for a while when an API server
// that has answered before does not: it restarts, the connection was cut, or it
// is overloaded. Until the first answer one failure is enough, so that a wrong
// address is told at once.
//
// A request whose answer was lost may have been carried out. Everything in this
// package stands that: applies and deletions can be repeated, and whoever
// creates or updates looks at what is there when he is told that somebody was
// faster.
type patient struct {
	next     http.RoundTripper
	limit    time.Duration
	answered *atomic.Bool
}

func newPatient(next http.RoundTripper, limit time.Duration) patient {
	return patient{next, limit, new(atomic.Bool)}
}

// RoundTrip makes the request, again and again if need be.
func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	pauses := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 5, Cap: time.Second}
	deadline, cancel := context.WithTimeout(r.Context(), p.limit)
	defer cancel()
	for {
		response, err := p.next.RoundTrip(r)
		if err == nil {
			p.answered.Store(true)
		}
		if !p.isPassing(r, response, err) {
			return response, err
		}
		pause := max(pauses.Step(), retryAfter(response))
		again := rewound(r)
		if again == nil || pause > p.limit || sleep(deadline, pause) != nil && r.Context().Err() == nil {
			return givenUp(response, err)
		}
		if response != nil {
			_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // the connection can be used again then
			_ = response.Body.Close()
		}
		if r.Context().Err() != nil {
			return nil, r.Context().Err()
		}
		r = again
	}
}

// impatience is the key of what impatient adds to a context.
type impatience struct{}

// impatient is for requests of those who repeat them and tell about it.
func impatient(ctx context.Context) context.Context {
	return context.WithValue(ctx, impatience{}, true)
}

// isPassing tells whether the same request may soon go better.
func (p patient) isPassing(r *http.Request, response *http.Response, err error) bool {
	if !p.answered.Load() || r.Context().Err() != nil || r.Context().Value(impatience{}) != nil {
		return false
	}
	if err != nil {
		return isConnection(err)
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isConnection tells whether a request met no server, or lost it on the way.
func isConnection(err error) bool {
	var unreachable *deploy.UnreachableError
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &unreachable) && !errors.As(err, &certificate)
}

// rewound is the request for another try, nil if its body cannot be read again.
func rewound(r *http.Request) *http.Request {
	again := r.Clone(r.Context())
	if r.Body == nil || r.Body == http.NoBody {
		return again
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	again.Body = body
	return again
}

// retryAfter is the time that a server asks for, 0 for none.
func retryAfter(response *http.Response) time.Duration {
	if response == nil {
		return 0
	}
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// givenUp is the last answer, in a form that has client-go not start over.
func givenUp(response *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, &lostConnection{err}
	}
	response.Header.Del("Retry-After")
	return response, nil
}

// lostConnection hides what kind of error the last one was.
type lostConnection struct{ err error }

func (e *lostConnection) Error() string { return e.err.Error() }

// WrappedRoundTripper lets client-go find the transport below.
func (p patient) WrappedRoundTripper() http.RoundTripper { return p.next }
