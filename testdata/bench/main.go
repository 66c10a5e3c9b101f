// Command bench measures slipway against Helm in one run on one machine and
// prints medians and ratios (Helm's time divided by slipway's).
//
//	make bench CORPUS=../shared/corpus
//
// In process, against Helm v3's packages: the whole way from the bytes of an
// archive to sorted manifests, and the render of a chart that is already loaded
// and compiled. As processes, against the helm v3 and v4 binaries: "template".
// The two sides run in turn, and a ratio is taken pair by pair, so that a
// machine whose speed drifts does not favour either.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type options struct {
	slipway, helm3, helm4 string
	peak                  string
	rounds                int
	budget                time.Duration
	measures              string
}

func (o options) wants(measure string) bool { return strings.Contains(o.measures, measure) }

func main() {
	var o options
	corpus := flag.String("corpus", "", "folder of packaged charts")
	peers := flag.String("peers", ".cache/peers", "folder with the helm3 and helm4 binaries")
	flag.StringVar(&o.slipway, "slipway", "bin/slipway", "slipway binary")
	flag.StringVar(&o.peak, "peak", ".cache/peak", "binary of the command peak beside this one")
	flag.IntVar(&o.rounds, "rounds", 7, "pairs measured for each chart")
	flag.DurationVar(&o.budget, "budget", 2*time.Second, "most time for the pairs of one chart and one measure")
	flag.StringVar(&o.measures, "measures", "pipeline,render,process,umbrella", "what to measure")
	filter := flag.String("charts", "", "only charts whose name holds this")
	flag.Parse()
	o.helm3, o.helm4 = filepath.Join(*peers, "helm3"), filepath.Join(*peers, "helm4")

	archives, _ := filepath.Glob(filepath.Join(*corpus, "*.tgz"))
	archives = slices.DeleteFunc(archives, func(a string) bool { return !strings.Contains(a, *filter) })
	if err := run(o, archives); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(o options, archives []string) error {
	if len(archives) > 0 {
		if err := benchCorpus(o, archives); err != nil {
			return err
		}
	}
	if o.wants("umbrella") {
		return benchUmbrella(o)
	}
	return nil
}
