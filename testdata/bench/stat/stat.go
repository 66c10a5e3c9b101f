// Package stat has the few figures that the benchmarks print.
package stat

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Median is the middle value, NaN of none.
func Median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return math.NaN()
	}
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

// GeometricMean is that of positive values.
func GeometricMean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(v)))
}

// Interval is the 95 % interval of the median by bootstrap, with a fixed seed.
func Interval(v []float64) (low, high float64) {
	rng := rand.New(rand.NewPCG(1, uint64(len(v))))
	medians := make([]float64, 500)
	sample := make([]float64, len(v))
	for i := range medians {
		for j := range sample {
			sample[j] = v[rng.IntN(len(v))]
		}
		medians[i] = Median(sample)
	}
	slices.Sort(medians)
	return medians[12], medians[487]
}
