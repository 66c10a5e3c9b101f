// Command conformance renders every chart of a corpus with slipway and holds
// the output against Helm's, byte by byte.
//
//	conformance -slipway bin/slipway -peers .cache/peers -corpus ../shared/corpus -charts testdata
//
// The corpus is a folder of packaged charts with a MANIFEST.tsv (columns: file,
// values_file, deterministic), goldens.tar.gz and neg/ with charts on which Helm
// fails. Its README describes it. There is no list of exceptions: one
// difference ends the run with exit code 1.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	var run runner
	corpus := flag.String("corpus", "", "folder of packaged charts with goldens; empty: only the project's own charts")
	own := flag.String("charts", "testdata", "folder with charts/ and charts-failing/")
	peers := flag.String("peers", ".cache/peers", "folder with the helm3 and helm4 binaries")
	flag.StringVar(&run.slipway, "slipway", "bin/slipway", "slipway binary")
	flag.StringVar(&run.keep, "keep", "", "folder for the outputs that differ")
	flag.Parse()
	run.helm3 = filepath.Join(*peers, "helm3")
	run.helm4 = filepath.Join(*peers, "helm4")

	if *corpus != "" {
		run.corpus(*corpus)
	}
	run.ownCharts(*own)
	if !run.report(os.Stdout) {
		os.Exit(1)
	}
}

// report prints the totals and every difference, and says whether there was none.
func (r *runner) report(out *os.File) bool {
	for _, f := range r.failures {
		fmt.Fprintln(out, "DIFFERS", f)
	}
	for _, k := range sortedKeys(r.counts) {
		fmt.Fprintf(out, "%-34s %d\n", k, r.counts[k])
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", r.passed, len(r.failures))
	return len(r.failures) == 0 && r.passed > 0
}
