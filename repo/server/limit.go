package server

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// rates limits how many requests come from one address.
type rates struct {
	limit rate.Limit
	now   func() time.Time

	mu   sync.Mutex
	seen map[string]*rate.Limiter
}

// maxAddresses bounds what is remembered. If there are more, all start anew.
const maxAddresses = 10_000

func newRates(perSecond float64, now func() time.Time) *rates {
	return &rates{limit: rate.Limit(perSecond), now: now, seen: map[string]*rate.Limiter{}}
}

func (r *rates) allow(address string) bool {
	if r.limit <= 0 {
		return true
	}
	r.mu.Lock()
	l := r.seen[address]
	if l == nil {
		if len(r.seen) >= maxAddresses {
			clear(r.seen)
		}
		l = rate.NewLimiter(r.limit, max(1, int(2*r.limit)))
		r.seen[address] = l
	}
	r.mu.Unlock()
	return l.AllowN(r.now(), 1)
}

// remoteHost is the address of who has connected. What headers of proxies say is
// not believed: anybody can send them.
func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
