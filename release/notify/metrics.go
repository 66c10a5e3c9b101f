package notify

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/e6d26078/slipway/release/internal/web"
	"github.com/e6d26078/slipway/release/rollout"
)

// metrics writes a state in OpenMetrics' text format, in that part of it that
// readers of Prometheus' older format take as well.
func metrics(s *rollout.State) string {
	labels := fmt.Sprintf("namespace=%q,release=%q,strategy=%q", s.Namespace, s.Release, string(s.Settings.Strategy))
	var out strings.Builder
	gauge := func(name, help, more string, value int64) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n%s{%s%s} %d\n", name, help, name, name, labels, more, value)
	}
	flag := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	gauge("slipway_rollout_phase", "Phase that the rollout is in.", fmt.Sprintf(",phase=%q", string(s.Phase)), 1)
	gauge("slipway_rollout_revision", "Revision that is rolled out.", "", int64(s.Revision))
	gauge("slipway_rollout_step", "Step that the rollout is at, from 1.", "", int64(s.Step+1))
	gauge("slipway_rollout_steps", "Number of steps.", "", int64(len(s.Steps)))
	gauge("slipway_rollout_weight_percent", "Share of traffic that the step asks for.", "", int64(weight(s)))
	gauge("slipway_rollout_failed", "Whether the rollout has failed.", "", flag(s.Failure != ""))
	gauge("slipway_rollout_inconclusive", "Whether measurements stopped the rollout that are neither good nor bad.", "", flag(s.Inconclusive))
	gauge("slipway_rollout_committed", "Whether the new version serves alone.", "", flag(s.Committed))
	gauge("slipway_rollout_phase_entered_timestamp_seconds", "When the phase was entered.", "", s.EnteredAt.Unix())
	if !s.Deadline.IsZero() {
		gauge("slipway_rollout_deadline_timestamp_seconds", "Until when the gate waits.", "", s.Deadline.Unix())
	}
	out.WriteString("# EOF\n")
	return out.String()
}

// writeMetrics replaces the release's file in one step, so that a collector
// never reads half of it.
func writeMetrics(directory string, s *rollout.State) error {
	name := "slipway-" + s.Namespace + "-" + s.Release + ".prom"
	if !filepath.IsLocal(name) || name != filepath.Base(name) {
		return fmt.Errorf("openMetrics: %q cannot be the name of a file", name)
	}
	f, err := os.CreateTemp(directory, ".slipway-*") // which a collector does not look at
	if err != nil {
		return fmt.Errorf("openMetrics: %w", err)
	}
	_, err = f.WriteString(metrics(s))
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644) // the collector is another user
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(directory, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("openMetrics: %w", err)
	}
	return nil
}

// push replaces the release's group at a Pushgateway.
func (n *Notifier) push(o *OpenMetrics, s *rollout.State) (web.Request, error) {
	address := strings.TrimSuffix(o.Pushgateway, "/") + "/metrics/job/slipway/namespace/" + url.PathEscape(s.Namespace) +
		"/release/" + url.PathEscape(s.Release)
	r, err := n.request(http.MethodPut, address, o.CAFile)
	if err != nil {
		return r, err
	}
	r.Body, r.Headers["Content-Type"] = metrics(s), "text/plain; version=0.0.4; charset=utf-8"
	r.Token, err = n.token(o.TokenFile)
	return r, err
}
