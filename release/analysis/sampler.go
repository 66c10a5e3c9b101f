package analysis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/rollout"
)

// Options are what a Sampler acts with. What is nil cannot be measured with:
// such a measurement is in error and says so.
type Options struct {
	// Now tells the time; it is required.
	Now func() time.Time
	// Timeout of a request; 0 is 10 seconds.
	Timeout time.Duration
	// MaxBytes is how long the answer to a request may be; 0 is 1 MiB.
	MaxBytes int64
	// ReadFile reads token and CA files, each time they are needed.
	ReadFile func(name string) ([]byte, error)
	// Run runs programs; RunProgram is such a function.
	Run RunFunc
	// Env is the environment of programs, as "NAME=value"; what they are told
	// about the rollout is added to it.
	Env []string
	// Jobs runs Jobs.
	Jobs JobRunner
}

// Sampler takes measurements. It is safe for concurrent use.
type Sampler struct{ options Options }

// The driver of rollouts measures with a Sampler.
var _ deploy.Sampler = (*Sampler)(nil)

// The defaults of [Options].
const (
	defaultTimeout  = 10 * time.Second
	defaultMaxBytes = 1 << 20
)

// New makes a Sampler.
func New(options Options) *Sampler {
	if options.Timeout <= 0 {
		options.Timeout = defaultTimeout
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = defaultMaxBytes
	}
	return &Sampler{options}
}

// reading is what a provider found.
type reading struct {
	result, stable any
	compared       bool   // stable was asked for
	none           string // why there is no data, "" if there is
	// verdict is the provider's own, which counts if the metric has no
	// conditions. With final it counts in any case.
	verdict rollout.Verdict
	final   bool
	message string
	pods    int
}

// Sample measures once. The measurement's time is when it began. If ctx is
// over, the measurement is in error and says nothing about its source: a
// driver that is being stopped drops it.
func (s *Sampler) Sample(ctx context.Context, m rollout.Metric, subject deploy.Subject) rollout.Measurement {
	out := rollout.Measurement{Verdict: rollout.Erroneous}
	if s.options.Now == nil {
		out.Message = "there is no clock to measure by: set Now"
		return out
	}
	out.At = s.options.Now().UTC()
	hidden := &mask.Secrets{}
	conditions, err := compile(m)
	if err != nil {
		out.Message = cut(err.Error())
		return out
	}
	got, err := s.read(ctx, m, subject, hidden)
	if err == nil {
		err = checkSize(got)
	}
	if err != nil {
		out.Message = cut(hidden.Hide(err.Error()))
		return out
	}
	judged, message, err := judge(m, conditions, got, subject)
	if err != nil {
		judged, message = rollout.Erroneous, err.Error()
	}
	out.Verdict, out.Message = judged, cut(hidden.Hide(message))
	if got.none == "" {
		out.Value = cut(show(got, hidden))
	}
	return out
}

// read asks the metric's provider.
func (s *Sampler) read(ctx context.Context, m rollout.Metric, subject deploy.Subject, hidden *mask.Secrets) (reading, error) {
	var got reading
	var err error
	p := m.Provider
	switch {
	case p.Prometheus != nil:
		got, err = s.prometheus(ctx, m, subject, hidden)
	case p.Web != nil:
		got, err = s.web(ctx, p.Web, hidden)
	case p.Job != nil:
		got, err = s.job(ctx, m, subject)
	case p.HelmTest != nil:
		got, err = helmTest(ctx, subject)
	case p.Exec != nil:
		got, err = s.exec(ctx, p.Exec, subject, hidden)
	case p.PodHealth != nil:
		got = podHealth(p.PodHealth, subject)
	default:
		err = errors.New("the metric has no provider")
	}
	got.pods = len(subject.Canary)
	return got, err
}

// judge turns what was found into a verdict.
func judge(m rollout.Metric, conditions conditions, got reading, subject deploy.Subject) (rollout.Verdict, string, error) {
	if got.none != "" {
		switch m.NoData {
		case rollout.NoDataFail:
			return rollout.Bad, got.none, nil
		case rollout.NoDataPass:
			return rollout.Successful, got.none, nil
		}
		return rollout.Undecided, got.none, nil
	}
	if got.final || (conditions.success == nil && conditions.failure == nil) {
		return got.verdict, got.message, nil
	}
	vars := variables{result: got.result, stable: got.stable, pods: got.pods, weight: subject.Weight}
	if conditions.failure != nil {
		bad, err := conditions.failure.holds(vars)
		if err != nil {
			return "", "", fmt.Errorf("failureCondition: %w", err)
		}
		if bad {
			return rollout.Bad, "failureCondition holds: " + m.FailureCondition, nil
		}
		if conditions.success == nil {
			return rollout.Successful, "", nil
		}
	}
	good, err := conditions.success.holds(vars)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("successCondition: %w", err)
	case good:
		return rollout.Successful, "", nil
	case conditions.failure != nil:
		return rollout.Undecided, "neither successCondition nor failureCondition holds", nil
	}
	return rollout.Bad, "successCondition does not hold: " + m.SuccessCondition, nil
}
