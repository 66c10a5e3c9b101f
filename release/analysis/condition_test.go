package analysis

import (
	"math"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// aMetric has a program as its provider, whose result can be anything.
func aMetric(success, failure string) rollout.Metric {
	return rollout.Metric{Name: "m", SuccessCondition: success, FailureCondition: failure,
		Provider: rollout.Provider{Exec: &rollout.Exec{Command: []string{"x"}}}}
}

func TestConditionsSeeWhatTheProviderGave(t *testing.T) {
	object := map[string]any{"ok": true, "codes": []any{200.0, 204.0}, "name": "web", "share": 0.25}
	for _, tt := range []struct {
		condition string
		result    any
		want      bool
	}{
		{"result < 0.05", 0.01, true},
		{"result < 0.05", 0.05, false},
		{"result[0] >= 1", []any{1.0, 0.0}, true},
		{"all(result, # < 3)", []any{1.0, 2.5}, true},
		{"all(result, # in 200..299)", []any{200.0, 404.0}, false},
		{"count(result, # == max(result)) == 1", []any{1.0, 2.0, 2.0}, false},
		{"result == 'pong'", "pong", true},
		{"result matches '^po'", "pong", true},
		{"result", true, true},
		{"result.ok && result.name == 'web'", object, true},
		{"len(result.codes) == 2 && all(result.codes, # in [200, 204])", object, true},
		{"default(result.missing, 7) == 7", object, true},
		{"default(result.share, 7) == 0.25", object, true},
		{"isNil(result.missing)", object, true},
		{"asFloat(result) > 1.5", "1.75", true},
		{"asInt(result) == 1", "1.75", true},
		{"isNaN(result)", math.NaN(), true},
		{"isInf(result)", math.Inf(-1), true},
		{"default(result, 1) == 1", math.NaN(), true},
		{"result + 1 == 3", 2.0, true},
		{"1 + 1 == 2 && weight == 25 && pods == 2", nil, true},
	} {
		m := aMetric(tt.condition, "")
		if err := Check(m); err != nil {
			t.Errorf("%v", err)
			continue
		}
		c, err := compile(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.success.holds(variables{result: tt.result, pods: 2, weight: 25})
		if err != nil || got != tt.want {
			t.Errorf("%s of %v: %v, %v; want %v", tt.condition, tt.result, got, err, tt.want)
		}
	}
}

func TestCheckRefusesConditions(t *testing.T) {
	health := rollout.Provider{PodHealth: &rollout.PodHealth{}}
	for _, tt := range []struct {
		condition string
		provider  rollout.Provider
		want      string
	}{
		{"result <", rollout.Provider{}, `metric "m": successCondition: line 1, column 8: unexpected token EOF`},
		{"true and\n reslt > 1", rollout.Provider{}, "line 2, column 2: unknown name reslt"},
		{"result.redy > 1", health, "line 1, column 8: unknown field redy"},
		{"result.ready == 'all'", health, "mismatched types int and string"},
		{"result.ready", health, "expected bool, but got int"},
		{"'yes'", rollout.Provider{}, "expected bool, but got string"},
		{"stable > result", rollout.Provider{}, "stable is there only for a Prometheus query with stable: true"},
		{"now() > date('2020-01-01')", rollout.Provider{}, "function now is not allowed"},
		{"now().Unix() > 5", rollout.Provider{}, "is not allowed"},
		{"duration('1h') == result", rollout.Provider{}, "function duration is not allowed"},
		{"$env.result > 1", rollout.Provider{}, "$env is not allowed"},
		{"let a = 'x'; a == result", rollout.Provider{}, "let is not allowed"},
		{"repeat(result, 1000000) == ''", rollout.Provider{}, "function repeat is not allowed"},
		{"reduce(1..40, #acc + #acc, 'x') == ''", rollout.Provider{}, "function reduce is not allowed"},
		{"all(result, any(result, # > 1))", rollout.Provider{}, "a predicate in a predicate"},
		{"len(map([1], [#, #])) == 2", rollout.Provider{}, "a list in a predicate"},
		{"result in 1..1000000000", rollout.Provider{}, "a range needs"},
		{"result in 0..weight", rollout.Provider{}, "a range needs"},
		{"result.now() == 1", rollout.Provider{}, "methods cannot be called"},
		{"getenv('HOME') == ''", rollout.Provider{}, "unknown name getenv"},
		{strings.Repeat("result > 1 and ", 100) + "true", rollout.Provider{}, "exceeds maximum allowed nodes"},
		{"true " + strings.Repeat(" ", 5000), rollout.Provider{}, "bytes are too many"},
	} {
		m := aMetric(tt.condition, "")
		if tt.provider != (rollout.Provider{}) {
			m.Provider = tt.provider
		}
		if err := Check(m); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), `metric "m": successCondition: `) {
			t.Errorf("%.40s: %v; want %s", tt.condition, err, tt.want)
		}
	}
}

func TestVerdictsOfConditions(t *testing.T) {
	reads := func(result any) reading { return reading{result: result, verdict: rollout.Successful} }
	none := reading{none: "no data"}
	for _, tt := range []struct {
		name             string
		success, failure string
		noData           rollout.NoData
		got              reading
		want             rollout.Verdict
	}{
		{"success holds", "result < 5", "", "", reads(1.0), rollout.Successful},
		{"success does not hold", "result < 5", "", "", reads(9.0), rollout.Bad},
		{"failure holds", "", "result > 5", "", reads(9.0), rollout.Bad},
		{"failure does not hold", "", "result > 5", "", reads(1.0), rollout.Successful},
		{"both, success holds", "result < 5", "result > 8", "", reads(1.0), rollout.Successful},
		{"both, failure holds", "result < 5", "result > 8", "", reads(9.0), rollout.Bad},
		{"both hold", "result < 5", "result < 8", "", reads(1.0), rollout.Bad},
		{"neither holds", "result < 5", "result > 8", "", reads(6.0), rollout.Undecided},
		{"none, the provider's own", "", "", "", reads(6.0), rollout.Successful},
		{"not a boolean", "result", "", "", reads(6.0), rollout.Erroneous},
		{"not comparable", "result < 5", "", "", reads("six"), rollout.Erroneous},
		{"texts are not put together", "len(result + result) > 1", "", "", reads("x"), rollout.Erroneous},
		{"too deep", "result.a.b", "", "", reads(map[string]any{}), rollout.Erroneous},
		{"no data pauses", "result < 5", "", "", none, rollout.Undecided},
		{"no data fails", "result < 5", "", "fail", none, rollout.Bad},
		{"no data passes", "result < 5", "", "pass", none, rollout.Successful},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := aMetric(tt.success, tt.failure)
			m.NoData = tt.noData
			c, err := compile(m)
			if err != nil {
				t.Fatal(err)
			}
			got, message, err := judge(m, c, tt.got, deploy.Subject{})
			if err != nil {
				got = rollout.Erroneous
			}
			if got != tt.want {
				t.Errorf("%s (%s, %v), want %s", got, message, err, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{"result < 0.05", "all(result, # in [1, 2])", "default(result.a, 1) + 2 > weight", "result in 200..299",
		"map(map(result, # + #), string(#))[0] == ''", "let a = 1; a", "now()", "result matches '(a+)+$'", "result?.a ?? false"} {
		f.Add(s)
	}
	results := []any{nil, 1.5, "text", true, []any{1.0, "a", nil}, map[string]any{"a": []any{1.0}}}
	f.Fuzz(func(t *testing.T, text string) {
		m := aMetric(text, "")
		if Check(m) != nil {
			return
		}
		c, err := compile(m)
		if err != nil {
			t.Fatalf("Check takes %q, but: %v", text, err)
		}
		if c.success == nil {
			return
		}
		for _, result := range results {
			v := variables{result: result, pods: 3, weight: 10}
			once, err1 := c.success.holds(v)
			again, err2 := c.success.holds(v)
			if once != again || (err1 == nil) != (err2 == nil) {
				t.Errorf("%q of %v: %v, %v, then %v, %v", text, result, once, err1, again, err2)
			}
		}
	})
}
