package rollouttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Plane is a simulated data plane: proxies that divide the requests for a
// Service evenly at random among the ready endpoints that its EndpointSlices
// name, and if there are none, among those that still serve while they
// terminate; and clients that send some requests after every event of a trace,
// so that no state of the cluster is left out.
type Plane struct {
	Random *rand.Rand
	Each   int           // requests for each Service after each event
	Gate   int           // further ones for each Service when a gate is reached
	Lag    time.Duration // by which the proxies know EndpointSlices later
	Sent   int
	Failed []string // of each request that failed: why
	// Shares are those measured at the gates.
	Shares []Share
}

// Share is the canary's part of the requests at one gate.
type Share struct {
	Service string
	Asked   int // per cent
	Canary  int
	Sent    int
}

// proxy is what proxies know of a Service over time.
type proxy struct {
	service string
	known   []knowledge
}

type knowledge struct {
	at        time.Time
	endpoints []Endpoint
}

// Run sends requests for Services through a trace.
func (p *Plane) Run(t *Trace, services []string) {
	var now time.Time
	proxies := make([]proxy, len(services))
	for i, name := range services {
		proxies[i].service = name
	}
	stable := t.Start().served()
	atGate := false
	t.Replay(func(w *World, e Event) {
		if e.At.After(now) {
			now = e.At
		}
		before := atGate
		atGate = reached(w.state)
		for i := range proxies {
			x := &proxies[i]
			if e.Kind == kindSlice || e.Kind == "" {
				x.known = append(x.known, knowledge{now, w.Endpoints(x.service)})
			}
			table := x.at(now.Add(-p.Lag))
			for range p.Each {
				p.send(w, e, x.service, table)
			}
			if atGate && !before {
				asked := w.state.Steps[w.state.Step].Weight
				p.Shares = append(p.Shares, p.measure(w, e, Share{Service: x.service, Asked: asked}, stable))
			}
		}
	})
}

// at is what was known at a time.
func (x *proxy) at(when time.Time) []Endpoint {
	for len(x.known) > 1 && !x.known[1].at.After(when) {
		x.known = x.known[1:]
	}
	return x.known[0].endpoints
}

func (p *Plane) measure(w *World, e Event, s Share, stable map[string]bool) Share {
	table := w.Endpoints(s.Service)
	for s.Sent = 0; s.Sent < p.Gate; s.Sent++ {
		if pod := p.send(w, e, s.Service, table); pod != nil && !stable[Template(pod)] {
			s.Canary++
		}
	}
	return s
}

// send sends one request and returns the pod that answered, nil if none did.
func (p *Plane) send(w *World, e Event, service string, table []Endpoint) Fields {
	p.Sent++
	usable := slices.DeleteFunc(slices.Clone(table), func(e Endpoint) bool { return !e.Ready })
	if len(usable) == 0 {
		usable = slices.DeleteFunc(slices.Clone(table), func(e Endpoint) bool { return !e.Serving || !e.Terminating })
	}
	if len(usable) == 0 {
		p.fail(w, e, "Service %s has no endpoint", service)
		return nil
	}
	name := usable[p.Random.IntN(len(usable))].Pod
	pod := w.Get(kindPod, name)
	switch {
	case pod == nil:
		p.fail(w, e, "pod %s of Service %s is gone", name, service)
		return nil
	case !isReady(pod) && !isDeleted(pod):
		p.fail(w, e, "pod %s of Service %s is not ready", name, service)
		return nil
	}
	return pod
}

func (p *Plane) fail(w *World, e Event, what string, args ...any) {
	p.Failed = append(p.Failed, fmt.Sprintf("%s (phase %s, when %s)", fmt.Sprintf(what, args...), w.phase(), e))
}

// Within reports whether a measured share agrees with one of p. One of so many
// tests says no to a true one with a probability of 1e-6 at most: it is
// Chernoff's bound of the binomial distribution, with Bonferroni's correction.
func (s Share) Within(p float64, tests int) bool {
	return float64(s.Sent)*divergence(float64(s.Canary)/float64(s.Sent), p) <= math.Log(2*float64(tests)/1e-6)
}

// divergence is Kullback's and Leibler's of two Bernoulli distributions.
func divergence(q, p float64) float64 {
	term := func(q, p float64) float64 {
		switch {
		case q == 0:
			return 0
		case p == 0:
			return math.Inf(1)
		}
		return q * math.Log(q/p)
	}
	return term(q, p) + term(1-q, 1-p)
}
