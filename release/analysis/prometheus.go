package analysis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/rollout"
)

// noPod is a regular expression that no name matches, not even the empty one.
const noPod = "^(?:a^)$"

// prometheus asks for both sides if they are compared, else for the canary.
func (s *Sampler) prometheus(ctx context.Context, m rollout.Metric, subject deploy.Subject, hidden *mask.Secrets) (reading, error) {
	p := m.Provider.Prometheus
	got := reading{verdict: rollout.Successful, compared: p.Stable}
	result, none, err := s.side(ctx, m, subject, hidden)
	if err != nil || none != "" {
		got.none = none
		return got, err
	}
	got.result = result
	if !p.Stable {
		return got, nil
	}
	subject.Canary, subject.Stable = subject.Stable, subject.Canary
	got.stable, none, err = s.side(ctx, m, subject, hidden)
	if err != nil {
		return got, fmt.Errorf("stable side: %w", err)
	}
	if none != "" {
		got.none = "stable side: " + none
	}
	return got, nil
}

// side asks for one side: for how many samples there are first, if that matters.
func (s *Sampler) side(ctx context.Context, m rollout.Metric, subject deploy.Subject, hidden *mask.Secrets) (result any, none string, err error) {
	p := m.Provider.Prometheus
	if p.Samples != "" {
		values, err := s.query(ctx, p, p.Samples, subject, hidden)
		if err != nil {
			return nil, "", fmt.Errorf("samples: %w", err)
		}
		sum := 0.0
		for _, v := range values {
			f, ok := v.(float64)
			if !ok {
				return nil, "", errors.New("samples: the query does not give a number")
			}
			sum += f
		}
		if sum < float64(max(m.MinSamples, 1)) {
			return nil, fmt.Sprintf("no data: %s of at least %d samples", strconv.FormatFloat(sum, 'f', -1, 64), max(m.MinSamples, 1)), nil
		}
	}
	values, err := s.query(ctx, p, p.Query, subject, hidden)
	switch {
	case err != nil:
		return nil, "", err
	case len(values) == 0:
		return nil, "no data: the query has no result", nil
	case len(values) == 1:
		return values[0], "", nil
	}
	return values, "", nil
}

// promAnswer is the form of the API's answers.
type promAnswer struct {
	Status   string   `json:"status"`
	Error    string   `json:"error"`
	Warnings []string `json:"warnings"`
	Data     struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	} `json:"data"`
}

// query asks an instant query and returns the values of its elements; those
// that are not a number are left out.
func (s *Sampler) query(ctx context.Context, p *rollout.Prometheus, query string, subject deploy.Subject, hidden *mask.Secrets) ([]any, error) {
	text, err := fill(query, subject)
	if err != nil {
		return nil, err
	}
	a, err := s.ask(ctx, request{
		method: http.MethodPost, url: strings.TrimSuffix(p.Address, "/") + "/api/v1/query",
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		body:    url.Values{"query": {text}}.Encode(), tokenFile: p.TokenFile, caFile: p.CAFile,
	}, hidden)
	if err != nil {
		return nil, err
	}
	var said promAnswer
	if err := json.Unmarshal(a.Body, &said); err != nil || said.Status == "" {
		return nil, fmt.Errorf("Prometheus answers %d, not as its API does: is the address right?", a.Status)
	}
	switch {
	case said.Status != "success":
		return nil, fmt.Errorf("Prometheus answers %d: %s", a.Status, said.Error)
	case len(said.Warnings) > 0:
		return nil, fmt.Errorf("Prometheus warns: %s", strings.Join(said.Warnings, "; "))
	}
	return promValues(said.Data.Type, said.Data.Result)
}

func promValues(kind string, raw json.RawMessage) ([]any, error) {
	var points [][]any
	switch kind {
	case "vector":
		var elements []struct {
			Value []any `json:"value"`
		}
		if err := json.Unmarshal(raw, &elements); err != nil {
			return nil, fmt.Errorf("the result is not a vector: %w", err)
		}
		for _, e := range elements {
			if e.Value == nil {
				return nil, errors.New("the result has native histograms: ask for a number of them, such as histogram_quantile")
			}
			points = append(points, e.Value)
		}
	case "scalar", "string":
		var point []any
		if err := json.Unmarshal(raw, &point); err != nil {
			return nil, fmt.Errorf("the result is not a %s: %w", kind, err)
		}
		points = append(points, point)
	default:
		return nil, fmt.Errorf("the query gives a %s: ask for an instant vector or a scalar", kind)
	}
	values := make([]any, 0, len(points))
	for _, point := range points {
		if len(point) != 2 {
			return nil, errors.New("the result has an element without time and value")
		}
		text, _ := point[1].(string)
		if kind == "string" {
			values = append(values, text)
			continue
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, errors.New("the result has an element that is not a number")
		}
		if !math.IsNaN(f) {
			values = append(values, f)
		}
	}
	return values, nil
}

// placeholders are what a query can have.
func placeholders(text string) []string {
	return regexp.MustCompile(`\{\{[^{}]*\}\}`).FindAllString(text, -1)
}

// fill puts the subject into a query.
func fill(query string, subject deploy.Subject) (string, error) {
	var values [4]string
	var err error
	if values[0], err = podRegexp(subject.Canary); err != nil {
		return "", err
	}
	if values[1], err = podRegexp(subject.Stable); err != nil {
		return "", err
	}
	values[2], values[3] = subject.Namespace, subject.Release
	for _, name := range values[2:] {
		if !plainName(name) && name != "" {
			return "", fmt.Errorf("%q cannot stand in a query", cut(name))
		}
	}
	return strings.NewReplacer("{{canary}}", values[0], "{{stable}}", values[1],
		"{{namespace}}", values[2], "{{release}}", values[3]).Replace(query), nil
}

// podRegexp matches exactly the names of pods. It has no character that means
// something in a text of PromQL, whatever quotes are around it.
func podRegexp(pods []deploy.Live) (string, error) {
	names := make([]string, 0, len(pods))
	for _, pod := range pods {
		name, _ := field(pod, "metadata", "name").(string)
		if !plainName(name) {
			return "", fmt.Errorf("%q is not the name of a pod", cut(name))
		}
		names = append(names, strings.ReplaceAll(name, ".", "[.]"))
	}
	if len(names) == 0 {
		return noPod, nil
	}
	slices.Sort(names)
	return "^(?:" + strings.Join(slices.Compact(names), "|") + ")$", nil
}

// plainName reports whether a text has only what names in Kubernetes have.
func plainName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return false
		}
	}
	return name != ""
}
