package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
)

// answers is a transport that goes through a list of answers: a status, 0 for
// no connection, or -1 for a server that does not know the caller.
type answers struct {
	list   []int
	after  string // Retry-After of each
	bodies []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		var text strings.Builder
		buffer := make([]byte, 64)
		for {
			n, err := r.Body.Read(buffer)
			text.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		body = text.String()
	}
	a.bodies = append(a.bodies, body)
	status := a.list[min(len(a.bodies)-1, len(a.list)-1)]
	switch status {
	case 0:
		return nil, errors.New("no connection")
	case -1:
		return nil, &deploy.UnreachableError{Unauthenticated: true}
	}
	header := http.Header{}
	if a.after != "" {
		header.Set("Retry-After", a.after)
	}
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
}

func TestRequestsAreRepeatedWhileTheServerIsAway(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []int
		after   string
		fresh   bool // the server has never answered
		status  int  // of the last answer, 0 for none
		tries   int
	}{
		{name: "it answers", answers: []int{200}, status: 200, tries: 1},
		{name: "it is away once", answers: []int{0, 200}, status: 200, tries: 2},
		{name: "it is away twice and then overloaded", answers: []int{0, 0, 503, 429, 201}, status: 201, tries: 5},
		{name: "a gateway in front of it has lost it", answers: []int{502, 504, 200}, status: 200, tries: 3},
		{name: "it has never been there", answers: []int{0, 200}, fresh: true, tries: 1},
		{name: "it is there for the first time, and overloaded", answers: []int{429, 200}, fresh: true, status: 200, tries: 2},
		{name: "it says no", answers: []int{403, 200}, status: 403, tries: 1},
		{name: "it has a fault", answers: []int{500, 200}, status: 500, tries: 1},
		{name: "it does not know the caller", answers: []int{-1, 200}, tries: 1},
		{name: "it wants to be left alone for longer than we wait", answers: []int{429, 200}, after: "7200", status: 429, tries: 1},
		{name: "it says when to come again", answers: []int{429, 200}, after: "1", status: 200, tries: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := &answers{list: test.answers, after: test.after}
			p := newPatient(a, 20*time.Second)
			p.answered.Store(!test.fresh)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://api.test/", strings.NewReader("text"))
			if err != nil {
				t.Fatal(err)
			}
			response, err := p.RoundTrip(request)
			if got := statusOf(response); got != test.status || (err == nil) == (test.status == 0) || len(a.bodies) != test.tries {
				t.Errorf("status %d, error %v, %d tries", got, err, len(a.bodies))
			}
			for i, body := range a.bodies {
				if body != "text" {
					t.Errorf("body %q at try %d", body, i+1)
				}
			}
			if response != nil && response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") != "" {
				t.Error("client-go would start over")
			}
		})
	}
}

func statusOf(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

func TestPatienceEnds(t *testing.T) {
	for _, last := range []int{0, 503} {
		t.Run(fmt.Sprint("the last answer is ", last), func(t *testing.T) {
			a := &answers{list: []int{last}}
			p := newPatient(a, 300*time.Millisecond)
			p.answered.Store(true)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := p.RoundTrip(request)
			if statusOf(response) != last || len(a.bodies) < 2 {
				t.Errorf("status %d, error %v, %d tries", statusOf(response), err, len(a.bodies))
			}
		})
	}
	t.Run("with the caller's", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPatient(&answers{list: []int{0}}, time.Hour)
		p.answered.Store(true)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond, cancel)
		if response, err := p.RoundTrip(request); !errors.Is(err, context.Canceled) || response != nil {
			t.Errorf("%v, %v", response, err)
		}
	})
}
