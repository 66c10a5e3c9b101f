package server

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// Retention says which versions of a chart go when another one is uploaded. The
// zero value keeps all.
type Retention struct {
	// PerChart is how many versions a chart may have; those that were uploaded
	// first go, whatever their numbers are. 0 is any number.
	PerChart int
	// Prerelease is how long pre-releases are kept after their upload. 0 is for ever.
	Prerelease time.Duration
}

// over gives the versions of a chart that are to go, without the one that has just come and what came after it.
func (o Retention) over(versions []*entry, file string, now time.Time) []*entry {
	var over, left []*entry
	for _, e := range versions {
		old := o.Prerelease > 0 && e.order.Prerelease() != "" && now.Sub(e.object.Modified) > o.Prerelease
		if old && e.file != file {
			over = append(over, e)
		} else {
			left = append(left, e)
		}
	}
	if o.PerChart <= 0 || len(left) <= o.PerChart {
		return over
	}
	// #DIFFERS: ChartMuseum takes away one for each upload, also for one that
	// replaces a version, and leaves its .prov file.
	slices.SortFunc(left, func(a, b *entry) int {
		return cmp.Or(a.object.Modified.Compare(b.object.Modified), cmp.Compare(a.file, b.file))
	})
	excess := len(left) - o.PerChart
	// What came after the upload is not for it to remove: of uploads at once each would take the other away.
	if own := slices.IndexFunc(left, func(e *entry) bool { return e.file == file }); own >= 0 {
		left = left[:own]
	}
	return append(over, left[:min(excess, len(left))]...)
}

// retain removes the versions of a chart that are to go after an upload, and gives
// the changes that webhooks are to be told of.
func (s *Server) retain(ctx context.Context, r *http.Request, rt route, uploaded event) (removed []event) {
	if s.o.Retention == (Retention{}) {
		return nil
	}
	t := s.tenant(rt.tenant)
	b := t.chart(uploaded.Chart)
	if b == nil {
		return nil
	}
	for _, e := range s.o.Retention.over(b.entries, uploaded.Chart+"-"+uploaded.Version+".tgz", s.o.Now()) {
		ev := event{Action: "delete", Repository: rt.tenant, Chart: e.name, Version: e.version, Digest: e.digest, User: uploaded.User, Status: http.StatusOK}
		if err := s.removeEntry(ctx, t, e); errors.Is(err, errMissing) || errors.Is(err, errBusy) {
			continue // another replica was faster
		} else if err != nil {
			s.log.Error("remove a version that is over the limit", "file", e.object.Key, "error", err.Error())
			break // the next upload tries again
		}
		s.audit.write(r, ev)
		removed = append(removed, ev)
	}
	return removed
}

// removeEntry removes an archive if it is still that of the entry, with the .prov
// file that it has now.
func (s *Server) removeEntry(ctx context.Context, t *tenant, e *entry) error {
	defer s.keys.lock(t.key(e.file))()
	now := t.find(e.file)
	if now == nil || now.digest != e.digest || !now.object.Modified.Equal(e.object.Modified) {
		return errMissing
	}
	return s.changes.remove(ctx, t, now)
}
