package chart_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/e6d26078/slipway/chart"
)

// difference names the first thing in which two charts differ, or is empty.
// What tells nil from empty counts, for it shows in JSON.
func difference(a, b *chart.Chart) string {
	if a.ChartFullPath() != b.ChartFullPath() {
		return fmt.Sprintf("path %q, %q", a.ChartFullPath(), b.ChartFullPath())
	}
	for _, part := range []struct {
		name string
		a, b any
	}{
		{"Metadata", a.Metadata, b.Metadata},
		{"Lock", a.Lock, b.Lock},
		{"Values", a.Values, b.Values},
		{"Schema", a.Schema, b.Schema},
	} {
		if !reflect.DeepEqual(part.a, part.b) {
			return fmt.Sprintf("%s of %s:\n%#v\n%#v", part.name, a.ChartFullPath(), part.a, part.b)
		}
	}
	for _, list := range []struct {
		name string
		a, b []*chart.File
	}{
		{"Raw", a.Raw, b.Raw},
		{"Templates", a.Templates, b.Templates},
		{"Files", a.Files, b.Files},
	} {
		if diff := fileDifference(list.a, list.b); diff != "" {
			return fmt.Sprintf("%s of %s: %s", list.name, a.ChartFullPath(), diff)
		}
	}
	if len(a.Dependencies()) != len(b.Dependencies()) {
		return fmt.Sprintf("%d, %d subcharts of %s", len(a.Dependencies()), len(b.Dependencies()), a.ChartFullPath())
	}
	for i, d := range a.Dependencies() {
		if d.Parent() != a {
			return fmt.Sprintf("parent of %s", d.Name())
		}
		if diff := difference(d, b.Dependencies()[i]); diff != "" {
			return diff
		}
	}
	return ""
}

func fileDifference(a, b []*chart.File) string {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return fmt.Sprintf("%d, %d files", len(a), len(b))
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Data, b[i].Data) || (a[i].Data == nil) != (b[i].Data == nil) {
			return fmt.Sprintf("%q, %q", a[i].Name, b[i].Name)
		}
	}
	return ""
}

// benchmarkRatio runs both functions on every file, in turn, and reports the
// geometric mean of how much faster ours is.
func benchmarkRatio(b *testing.B, paths []string, helms, ours func([]byte) error) {
	const tries = 5
	var logs, helmTotal, ourTotal float64
	n := 0
	for b.Loop() {
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			slow, fast := math.Inf(1), math.Inf(1)
			for range tries {
				slow = min(slow, seconds(b, data, helms))
				fast = min(fast, seconds(b, data, ours))
			}
			logs += math.Log(slow / fast)
			helmTotal += slow
			ourTotal += fast
			n++
		}
	}
	b.ReportMetric(math.Exp(logs/float64(n)), "geomean-ratio")
	b.ReportMetric(helmTotal/ourTotal, "total-ratio")
}

func seconds(b *testing.B, data []byte, f func([]byte) error) float64 {
	start := time.Now()
	if err := f(data); err != nil {
		b.Fatal(err)
	}
	return time.Since(start).Seconds()
}
