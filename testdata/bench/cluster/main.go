// Command cluster measures slipway against Helm on a real control plane in one
// run on one machine, and prints medians and ratios (Helm's divided by slipway's).
//
//	make bench-cluster
//
// A chart of 300 ConfigMaps, 50 Deployments of 2 pods and 50 Services is
// installed, upgraded so that every object changes, and upgraded again so that
// nothing does; with and without --wait, directly and through a proxy that
// holds each request up for a while, like a cluster far away. A chart of four
// objects shows how many requests come one after the other. Bare requests show
// what the API server itself takes. At the end a thousand releases are listed.
//
// In each round all tools have their turn, in another order each time, and a
// ratio is taken round by round. Between two turns nothing of the former is left.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	tools        []tool
	plane, peak  string
	corpus       string
	rounds       int
	patientWaits int
	latency      time.Duration
	only         string
	releases     int
}

// tool is one of the programs that are compared.
type tool struct {
	name, path string
	slowWaits  bool // waits for minutes: takes part in few rounds of these
}

func (o options) wants(set string) bool {
	for name := range strings.SplitSeq(o.only, ",") {
		if name == set {
			return true
		}
	}
	return false
}

func main() {
	var o options
	peers := flag.String("peers", ".cache/peers", "folder with the helm3 and helm4 binaries")
	slipway := flag.String("slipway", "bin/slipway", "slipway binary")
	flag.StringVar(&o.plane, "cluster", ".cache/cluster", "binary of the control plane (testdata/cluster)")
	flag.StringVar(&o.peak, "peak", ".cache/peak", "binary of the command peak")
	flag.StringVar(&o.corpus, "corpus", "../shared/corpus", "folder of packaged charts; the middle one by size is what releases are listed of")
	flag.IntVar(&o.rounds, "rounds", 7, "rounds of each measurement")
	flag.IntVar(&o.patientWaits, "helm4-waits", 1, "rounds with --wait in which helm v4 takes part; one of them takes minutes")
	flag.DurationVar(&o.latency, "latency", 10*time.Millisecond, "what is added to each request of the sets far, far-wait and small")
	flag.StringVar(&o.only, "only", "floor,near,near-wait,far,far-wait,small,list", "sets to measure")
	flag.IntVar(&o.releases, "releases", 1000, "releases to list")
	without := flag.String("without", "", "tools to leave out: helm3, helm4 or both with a comma")
	flag.Parse()
	for _, t := range []tool{{ours, *slipway, false}, {helm3, filepath.Join(*peers, "helm3"), false}, {helm4, filepath.Join(*peers, "helm4"), true}} {
		if !slices.Contains(strings.Split(*without, ","), t.name) {
			o.tools = append(o.tools, t)
		}
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// The names of the tools.
const (
	ours  = "slipway"
	helm3 = "helm3"
	helm4 = "helm4"
)

func run(o options) error {
	dir, err := os.MkdirTemp("", "slipway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() { // the control plane ends with this process
		<-interrupted
		os.RemoveAll(dir)
		os.Exit(130)
	}()
	for i := range o.tools {
		from := o.tools[i].path
		if o.tools[i].path, err = copyTo(filepath.Join(dir, "bin", o.tools[i].name), from); err != nil {
			return err
		}
		if o.tools[i].name == ours { // hands over to a second program beside it
			if _, err := copyTo(filepath.Join(dir, "bin", "slipway-cluster"), filepath.Join(filepath.Dir(from), "slipway-cluster")); err != nil {
				return err
			}
		}
	}
	charts, err := writeCharts(dir)
	if err != nil {
		return err
	}
	fmt.Printf("# slipway and Helm on a cluster: %d rounds, medians; ratios are helm v3.22.0 / slipway, with a 95 %% interval\n\n", o.rounds)
	if o.wants("floor") {
		if err := benchFloor(o, charts, filepath.Join(dir, "set-floor")); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
	}
	for _, s := range sets {
		if !o.wants(s.name) {
			continue
		}
		r := &runner{options: o, set: s, charts: charts, dir: filepath.Join(dir, "set-"+s.name)}
		if err := r.run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.print(os.Stdout)
	}
	if o.wants("list") {
		if charts.middle, err = middleOf(o.corpus, o.tools[0].path); err != nil {
			return err
		}
		return benchList(o, charts, filepath.Join(dir, "set-list"))
	}
	return nil
}

// copyTo copies a program to path, which it returns, piece by piece as an unpacker
// writes it, so that all of them lie in the page cache in the same way. How a file
// lies there decides how much of it counts as memory of the process.
func copyTo(path, program string) (string, error) {
	from, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer from.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return "", err
	}
	const piece = 32 << 10
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, piece))
	return path, errors.Join(err, to.Close())
}
