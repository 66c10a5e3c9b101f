package rollout

import "time"

// Metric is a measurement that is repeated, in Argo Rollouts' words and with
// its meanings. The zero value of a limit is Argo's default.
type Metric struct {
	Name         string        `json:"name"`
	Interval     time.Duration `json:"interval,omitempty"`     // 0 with Count 0 or 1: one measurement
	Count        int           `json:"count,omitempty"`        // 0 with an interval: as long as the step's pause lasts, once at least
	InitialDelay time.Duration `json:"initialDelay,omitempty"` // after the step was reached
	// Conditions are expressions over result; see package analysis. Only
	// SuccessCondition: the rest fails. Only FailureCondition: the rest succeeds.
	// Both: what neither holds for is inconclusive.
	SuccessCondition      string `json:"successCondition,omitempty"`
	FailureCondition      string `json:"failureCondition,omitempty"`
	FailureLimit          int    `json:"failureLimit,omitempty"` // more than so many failures fail the run; below 0: none does
	InconclusiveLimit     int    `json:"inconclusiveLimit,omitempty"`
	ConsecutiveErrorLimit *int   `json:"consecutiveErrorLimit,omitempty"` // nil is 4
	NoData                NoData `json:"noData,omitempty"`
	MinSamples            int    `json:"minSamples,omitempty"` // fewer samples behind a result count as no data
	// FromWeight limits the metric to steps of at least so much; 0: all but implied ones.
	FromWeight int `json:"fromWeight,omitempty"`
	// Provider is the source, for package analysis. Its content never comes from a chart.
	Provider Provider `json:"provider"`
}

// NoData says how a result without data counts.
type NoData string

// How a result without data counts.
const (
	NoDataPause NoData = "" // inconclusive, at once
	NoDataFail  NoData = "fail"
	NoDataPass  NoData = "pass"
)

// Provider is where a measurement comes from: exactly one field is set.
type Provider struct {
	Prometheus *Prometheus `json:"prometheus,omitempty"`
	Web        *Web        `json:"web,omitempty"`
	Job        *Job        `json:"job,omitempty"`
	HelmTest   *HelmTest   `json:"helmTest,omitempty"`
	Exec       *Exec       `json:"exec,omitempty"`
	PodHealth  *PodHealth  `json:"podHealth,omitempty"`
}

type (
	// Prometheus asks an instant query. In Query, {{canary}} and {{stable}} stand
	// for regular expressions of the pod names of a side, {{namespace}} and
	// {{release}} for what they say. With Stable, the same query is asked for
	// both sides and the condition sees result and stable. Samples, if set, is a
	// query for how many samples there are.
	Prometheus struct {
		Address   string `json:"address"`
		Query     string `json:"query"`
		Samples   string `json:"samples,omitempty"`
		Stable    bool   `json:"stable,omitempty"`
		TokenFile string `json:"tokenFile,omitempty"`
		CAFile    string `json:"caFile,omitempty"`
	}
	// Web reads a JSON document; JSONPath picks the result.
	Web struct {
		URL       string            `json:"url"`
		Method    string            `json:"method,omitempty"`
		Headers   map[string]string `json:"headers,omitempty"`
		Body      string            `json:"body,omitempty"`
		JSONPath  string            `json:"jsonPath,omitempty"`
		TokenFile string            `json:"tokenFile,omitempty"`
		CAFile    string            `json:"caFile,omitempty"`
	}
	// Job runs a Job from a file of the operator's; success is its completion.
	Job struct {
		Manifest string `json:"manifest"` // YAML, read when the rollout started
	}
	// HelmTest runs the target's test hooks.
	HelmTest struct{}
	// Exec runs a program of the operator's: exit 0 is success; its standard
	// output, if it is JSON, is the result.
	Exec struct {
		Command []string      `json:"command"`
		Timeout time.Duration `json:"timeout,omitempty"` // 0 is 1 minute
	}
	// PodHealth looks at the canary's pods: ready, restarts, OOMKilled, waiting
	// reasons. The result has ready, pods, restarts, oomKilled and waiting.
	PodHealth struct {
		MaxRestarts int `json:"maxRestarts,omitempty"`
	}
)

// Verdict is what a measurement or a run of them says.
type Verdict string

// The verdicts. A run that is not over yet has none.
const (
	Successful Verdict = "successful"
	Bad        Verdict = "failed"
	Undecided  Verdict = "inconclusive"
	Erroneous  Verdict = "error"
	NotYet     Verdict = ""
)

// Measurement is one result.
type Measurement struct {
	At      time.Time `json:"at"`
	Verdict Verdict   `json:"verdict"`
	Value   string    `json:"value,omitempty"`   // as JSON, cut
	Message string    `json:"message,omitempty"` // why it failed or is in error
}

// Run is a metric's measurements at one step.
type Run struct {
	Metric       string        `json:"metric"`
	Step         int           `json:"step"`
	StartedAt    time.Time     `json:"startedAt"`
	Measurements []Measurement `json:"measurements,omitempty"` // the newest 20
	Dropped      Tally         `json:"dropped,omitzero"`       // those before them
	Verdict      Verdict       `json:"verdict,omitempty"`
	Message      string        `json:"message,omitempty"`
}

// Tally counts measurements by what they say.
type Tally struct {
	Successful   int `json:"successful,omitempty"`
	Failed       int `json:"failed,omitempty"`
	Inconclusive int `json:"inconclusive,omitempty"`
	Errors       int `json:"errors,omitempty"`
	ErrorsInRow  int `json:"errorsInRow,omitempty"` // since the last one that is no error
}
