package funcs

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// addDurations adds the duration family of Helm 4.
func addDurations(t tmpl.Table) {
	t["mustToDuration"] = tmpl.Func{Fn: func(v any) time.Duration {
		d, err := asDuration(v)
		if err != nil {
			panic(err)
		}
		return d
	}}
	t["durationSeconds"] = tmpl.Func{Fn: func(v any) float64 { return durationOrZero(v).Seconds() }}
	t["durationMilliseconds"] = tmpl.Func{Fn: func(v any) int64 { return durationOrZero(v).Milliseconds() }}
	t["durationMicroseconds"] = tmpl.Func{Fn: func(v any) int64 { return durationOrZero(v).Microseconds() }}
	t["durationNanoseconds"] = tmpl.Func{Fn: func(v any) int64 { return durationOrZero(v).Nanoseconds() }}
	t["durationMinutes"] = tmpl.Func{Fn: func(v any) float64 { return durationOrZero(v).Minutes() }}
	t["durationHours"] = tmpl.Func{Fn: func(v any) float64 { return durationOrZero(v).Hours() }}
	t["durationDays"] = tmpl.Func{Fn: func(v any) float64 { return durationOrZero(v).Hours() / 24.0 }}
	t["durationWeeks"] = tmpl.Func{Fn: func(v any) float64 { return durationOrZero(v).Hours() / 24.0 / 7.0 }}
	t["durationRoundTo"] = tmpl.Func{Fn: func(v, multiple any) time.Duration {
		return adjustDuration(v, multiple, time.Duration.Round)
	}}
	t["durationTruncateTo"] = tmpl.Func{Fn: func(v, multiple any) time.Duration {
		return adjustDuration(v, multiple, time.Duration.Truncate)
	}}
}

func durationOrZero(v any) time.Duration {
	d, err := asDuration(v)
	if err != nil {
		return 0
	}
	return d
}

// adjustDuration fits v to a multiple: 0 for an invalid v, v itself for an
// invalid multiple.
func adjustDuration(v, multiple any, fit func(d, m time.Duration) time.Duration) time.Duration {
	d, err := asDuration(v)
	if err != nil {
		return 0
	}
	m, err := asDuration(multiple)
	if err != nil {
		return d
	}
	return fit(d, m)
}

// asDuration takes a duration, a text such as "1h30m", or a number of seconds
// as a number or a text.
func asDuration(v any) (time.Duration, error) {
	switch v := v.(type) {
	case nil:
		return 0, errors.New("invalid duration")
	case time.Duration:
		return v, nil
	case string:
		return parseDuration(v)
	}
	rv := reflect.ValueOf(v)
	switch {
	case rv.CanInt():
		return secondsFromInt(rv.Int())
	case rv.CanUint():
		if n := rv.Uint(); n > math.MaxInt64 {
			return 0, fmt.Errorf("duration seconds overflow: %d", n)
		}
		return secondsFromInt(int64(rv.Uint()))
	case rv.CanFloat():
		return secondsFromFloat(rv.Float())
	}
	return 0, fmt.Errorf("unsupported duration type %T", v)
}

func parseDuration(text string) (time.Duration, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return 0, errors.New("empty duration")
	}
	if d, err := time.ParseDuration(trimmed); err == nil {
		return d, nil
	}
	if seconds, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return secondsFromFloat(seconds)
	}
	return 0, fmt.Errorf("could not parse duration %q", text)
}

func secondsFromInt(n int64) (time.Duration, error) {
	const most, least = math.MaxInt64 / int64(time.Second), math.MinInt64 / int64(time.Second)
	if n > most || n < least {
		return 0, fmt.Errorf("duration seconds overflow: %d", n)
	}
	return time.Duration(n) * time.Second, nil
}

func secondsFromFloat(f float64) (time.Duration, error) {
	// The double division keeps the bounds the floats that Helm compares with.
	const most, least = float64(math.MaxInt64) / float64(time.Second), float64(math.MinInt64) / float64(time.Second)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, fmt.Errorf("invalid duration seconds: %v", f)
	}
	if f > most || f < least {
		return 0, fmt.Errorf("duration seconds overflow: %v", f)
	}
	nanos := f * float64(time.Second)
	if nanos > float64(math.MaxInt64) || nanos < float64(math.MinInt64) {
		return 0, fmt.Errorf("duration nanoseconds overflow: %v", nanos)
	}
	return time.Duration(nanos), nil
}
