package rollouttest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func plane() *Plane { return &Plane{Random: rand.New(rand.NewPCG(1, 2)), Each: 20, Gate: 10000} }

func TestRequestsAreDividedEvenly(t *testing.T) {
	p := plane()
	p.Run(&running().Trace, []string{"web"})
	if len(p.Failed) > 0 || len(p.Shares) != 1 || p.Sent < 10000 {
		t.Fatalf("%d sent, shares %v, failed: %v", p.Sent, p.Shares, p.Failed)
	}
	if s := p.Shares[0]; s.Asked != 50 || !s.Within(0.5, 100) || s.Within(0.6, 100) || s.Within(0.4, 100) {
		t.Errorf("%+v", s)
	}
}

func TestRequestsFail(t *testing.T) {
	for name, test := range map[string]struct {
		words string
		lag   time.Duration
		do    func(s *script)
	}{
		"no endpoint":             {"no endpoint", 0, func(s *script) { s.slice() }},
		"a pod has gone":          {"pod a of Service web is gone", 0, func(s *script) { s.gone(kindPod, "a") }},
		"a pod is not ready":      {"not ready", 0, func(s *script) { s.unready("a", "1") }},
		"the proxies are late":    {"pod a of Service web is gone", 2 * time.Second, func(s *script) { s.slice("b", "c", "d"); s.gone(kindPod, "a") }},
		"the proxies are in time": {"", time.Second / 2, func(s *script) { s.slice("b", "c", "d"); s.gone(kindPod, "a") }},
		"a pod ends gracefully":   {"", 0, func(s *script) { s.pod("a", "1", Fields{"deletionTimestamp": "2026-01-01T00:00:00Z"}) }},
	} {
		s, p := running(), plane()
		test.do(s)
		p.Lag = test.lag
		p.Run(&s.Trace, []string{"web"})
		if (len(p.Failed) > 0) != (test.words != "") || len(p.Failed) > 0 && !strings.Contains(p.Failed[0], test.words) {
			t.Errorf("%s: %q", name, p.Failed)
		}
	}
}

func TestSharesOutsideTheBound(t *testing.T) {
	for _, s := range []Share{{Canary: 100, Sent: 1000}, {Canary: 140, Sent: 1000}, {Canary: 60, Sent: 1000}} {
		if !s.Within(0.1, 1) {
			t.Errorf("%+v is not within", s)
		}
	}
	for _, s := range []Share{{Canary: 170, Sent: 1000}, {Canary: 40, Sent: 1000}, {Canary: 0, Sent: 1000}, {Canary: 1000, Sent: 1000}} {
		if s.Within(0.1, 1) {
			t.Errorf("%+v is within", s)
		}
	}
	if one := (Share{Canary: 1, Sent: 1000}); one.Within(0, 1) {
		t.Error("a canary that was not asked for is within")
	}
}
