package analysis

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/internal/web"
	"github.com/e6d26078/slipway/release/rollout"
)

// noLimit is the value of a limit that is never passed, as in Argo Rollouts.
const noLimit = -1

// Check finds out whether a metric can be measured, without asking anybody: it
// compiles and type-checks its conditions. The error names the metric, the
// field and the position.
func Check(m rollout.Metric) error {
	if _, err := compile(m); err != nil {
		return err
	}
	if err := checkFields(m); err != nil {
		return fmt.Errorf("metric %q: %w", m.Name, err)
	}
	if err := checkProvider(m); err != nil {
		return fmt.Errorf("metric %q: %w", m.Name, err)
	}
	return nil
}

func checkFields(m rollout.Metric) error {
	if m.Name == "" || len(m.Name) > 100 || strings.ContainsAny(m.Name, "\n\r\t\"\\") {
		return errors.New("name: give it one of 1 to 100 characters in one line, without quotes")
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"interval", int64(m.Interval)}, {"count", int64(m.Count)}, {"initialDelay", int64(m.InitialDelay)},
		{"minSamples", int64(m.MinSamples)}, {"fromWeight", int64(m.FromWeight)},
	} {
		if f.value < 0 {
			return fmt.Errorf("%s: it is less than 0", f.name)
		}
	}
	switch {
	case m.FailureLimit < noLimit || m.InconclusiveLimit < noLimit || (m.ConsecutiveErrorLimit != nil && *m.ConsecutiveErrorLimit < noLimit):
		return errors.New("failureLimit, inconclusiveLimit, consecutiveErrorLimit: -1 is no limit, less is not allowed")
	case m.Count > 1 && m.Interval == 0:
		return errors.New("interval: a metric with a count above 1 needs one")
	case m.FromWeight > 100:
		return errors.New("fromWeight: it is more than 100")
	case !slices.Contains([]rollout.NoData{rollout.NoDataPause, rollout.NoDataFail, rollout.NoDataPass}, m.NoData):
		return fmt.Errorf("noData: %q is not pause, fail or pass", m.NoData)
	}
	return nil
}

func checkProvider(m rollout.Metric) error {
	p := m.Provider
	set := 0
	for _, has := range []bool{p.Prometheus != nil, p.Web != nil, p.Job != nil, p.HelmTest != nil, p.Exec != nil, p.PodHealth != nil} {
		if has {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("provider: it has %d of prometheus, web, job, helmTest, exec and podHealth, and needs one", set)
	}
	conditions := m.SuccessCondition != "" || m.FailureCondition != ""
	switch {
	case conditions && (p.Job != nil || p.HelmTest != nil):
		return errors.New("a Job or test has no result that a condition could look at: leave the condition out")
	case m.MinSamples > 0 && (p.Prometheus == nil || p.Prometheus.Samples == ""):
		return errors.New("minSamples: it needs prometheus.samples, a query for how many there are")
	case p.Prometheus != nil:
		return checkPrometheus(p.Prometheus, conditions)
	case p.Web != nil:
		return checkWeb(p.Web)
	case p.Job != nil:
		_, err := parseJob(p.Job.Manifest)
		return err
	case p.Exec != nil && (len(p.Exec.Command) == 0 || p.Exec.Command[0] == ""):
		return errors.New("exec: command is missing")
	case p.Exec != nil && p.Exec.Timeout < 0:
		return errors.New("exec: timeout is less than 0")
	case p.PodHealth != nil && p.PodHealth.MaxRestarts < 0:
		return errors.New("podHealth: maxRestarts is less than 0")
	}
	return nil
}

func checkPrometheus(p *rollout.Prometheus, conditions bool) error {
	if _, err := web.ParseURL(p.Address); err != nil {
		return fmt.Errorf("prometheus: %w", err)
	}
	if strings.TrimSpace(p.Query) == "" {
		return errors.New("prometheus: query is missing")
	}
	if !conditions {
		return errors.New("prometheus: it needs a successCondition or failureCondition that says which results are good")
	}
	for _, text := range []string{p.Query, p.Samples} {
		for _, found := range placeholders(text) {
			if !slices.Contains([]string{"{{canary}}", "{{stable}}", "{{namespace}}", "{{release}}"}, found) {
				return fmt.Errorf("prometheus: %s is not {{canary}}, {{stable}}, {{namespace}} or {{release}}", found)
			}
		}
	}
	return nil
}

func checkWeb(w *rollout.Web) error {
	if _, err := web.ParseURL(w.URL); err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if method := webMethod(w); !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, method) {
		return fmt.Errorf("web: method %q is not GET, POST or PUT", method)
	}
	if w.JSONPath != "" {
		if _, err := parsePath(w.JSONPath); err != nil {
			return fmt.Errorf("web: %w", err)
		}
	}
	return nil
}
