package repo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

const maxProvenance = 8 << 20 // bytes; Helm's limit on Chart.yaml, which is in it, is 5 MiB

// ErrNoProvenance is wrapped by the errors about charts that have no .prov file.
var ErrNoProvenance = errors.New("no provenance file")

// Provenance fetches the .prov file of a package, and keeps it beside the archive
// for a run that is offline; whoever uses it verifies it. That there is none is an
// error that wraps ErrNoProvenance.
func (s *Source) Provenance(ctx context.Context, p *Package) ([]byte, error) {
	if p.prov != nil {
		return p.prov, nil
	}
	kept := strings.TrimSuffix(p.Path, ".tgz") + ".prov"
	if s.Offline {
		if info, err := os.Stat(kept); err != nil || info.Size() > maxProvenance {
			return nil, fmt.Errorf("%s has no provenance file in the cache, and --offline is set", redacted(p.URL))
		}
		return os.ReadFile(kept)
	}
	if IsOCI(p.URL) {
		return nil, fmt.Errorf("%s has %w", p.URL, ErrNoProvenance)
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return nil, err
	}
	u.Path += ".prov"
	u.RawPath = ""
	answer, err := s.client().Do(ctx, p.access, Download{URL: u.String(), Max: maxProvenance})
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound || err != nil && u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: %w", ErrNoProvenance, err) // plugins only say that they have failed
	}
	if err != nil {
		return nil, err
	}
	p.prov = answer.Body
	return p.prov, WriteFile(kept, p.prov, 0o644)
}
