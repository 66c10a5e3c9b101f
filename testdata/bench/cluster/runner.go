package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// set is one series of measurements on a control plane of its own.
type set struct {
	name, title string
	wait        bool
	far         bool // through the proxy
	small       bool
}

var sets = []set{
	{name: "near", title: "without --wait"},
	{name: "near-wait", title: "with --wait", wait: true},
	{name: "far", title: "each request held up, without --wait", far: true},
	{name: "far-wait", title: "each request held up, with --wait", far: true, wait: true},
	{name: "small", title: "four objects, each request held up, without --wait", far: true, small: true},
}

// rest is how long the controllers have before a tool is measured, to end what the
// step before has left them.
const rest = 2 * time.Second

// steps are what each tool does to its release, in this order.
var steps = []string{"install", "upgrade", "no-op upgrade"}

// sample is what one run of a tool took.
type sample struct {
	tool, step string
	round      int
	seconds    float64
	mib        float64
	ownMiB     float64 // of mib, what belongs to no file
	requests   int
	inTurn     int
	lag        float64 // seconds from the moment when the cluster was ready; only with wait
}

// runner measures a set.
type runner struct {
	options
	set
	charts  charts
	dir     string
	plane   *plane
	proxy   *proxy
	samples []sample
}

func (r *runner) run() (err error) {
	if r.plane, err = startPlane(r.options.plane, r.dir); err != nil {
		return err
	}
	defer r.plane.stop()
	if r.far {
		if r.proxy, err = startProxy(r.plane, filepath.Join(r.dir, "far"), r.latency); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.proxy.stop()) }()
	}
	for _, t := range r.tools { // fills Helm's cache of what the API server serves
		if err := r.warmUp(t); err != nil {
			return err
		}
	}
	for round := range r.rounds {
		for i := range r.tools {
			t := r.tools[(i+round)%len(r.tools)]
			if t.slowWaits && r.wait && round >= r.patientWaits {
				continue
			}
			if err := r.turn(t, round); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *runner) warmUp(t tool) error {
	const namespace = "warm-up"
	if err := r.plane.createNamespace(namespace); err != nil {
		return err
	}
	if _, err := r.measure(t, "install", "warm", r.charts.small, "-n", namespace); err != nil {
		return err
	}
	return r.plane.deleteNamespace(namespace)
}

// turn is one tool's part of a round.
func (r *runner) turn(t tool, round int) error {
	namespace := fmt.Sprintf("%s-%d", t.name, round)
	if err := r.plane.createNamespace(namespace); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	chart, want := r.charts.large, deployments
	if r.small {
		chart, want = r.charts.small, 1
	}
	var ready *readiness
	if r.wait { // else what is watched takes the API server's time without need
		ready = r.plane.watchReadiness(ctx, namespace, want)
	}
	for i, step := range steps {
		command, revision := "upgrade", min(i+1, 2)
		if i == 0 {
			command = "install"
		}
		args := []string{command, "bench", chart, "-n", namespace, "--set", fmt.Sprintf("revision=%d", revision)}
		if r.wait {
			args = append(args, "--wait", "--timeout", "10m")
		}
		if r.wait {
			ready.expect(strconv.Itoa(revision))
		}
		time.Sleep(rest)
		s, err := r.measure(t, args...)
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		if r.wait {
			end := time.Now()
			var since time.Time
			since, err = ready.await()
			s.lag = end.Sub(since).Seconds()
		} else {
			err = r.plane.awaitReadiness(namespace, want, strconv.Itoa(revision))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		s.step, s.round = step, round
		r.samples = append(r.samples, s)
		fmt.Fprintf(os.Stderr, "%s, round %d, %s, %s: %.3f s\n", r.name, round+1, t.name, step, s.seconds)
	}
	return r.plane.deleteNamespace(namespace)
}

// measure runs a tool once.
func (r *runner) measure(t tool, args ...string) (sample, error) {
	kubeconfig := r.plane.kubeconfig
	if r.far {
		kubeconfig = r.proxy.kubeconfig
		r.proxy.take()
	}
	s, err := runTool(r.options.peak, t, kubeconfig, r.dir, args...)
	if err != nil {
		return s, err
	}
	if r.far {
		calls := r.proxy.take()
		s.requests, s.inTurn = len(calls), inTurn(calls)
		if os.Getenv("BENCH_TRACE") != "" {
			fmt.Fprintf(os.Stderr, "%s %v\n%s", t.name, args, trace(calls))
		}
	}
	return s, nil
}

// runTool runs a tool with a home of its own and measures time and memory.
func runTool(peak string, t tool, kubeconfig, dir string, args ...string) (sample, error) {
	home := filepath.Join(dir, "home-"+t.name)
	cmd := exec.Command(peak, append([]string{t.path}, args...)...)
	cmd.Env = []string{"HOME=" + home, "KUBECONFIG=" + kubeconfig, "PATH=" + os.Getenv("PATH")}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if err != nil {
		return sample{}, fmt.Errorf("%s %s: %w\n%s", t.name, strings.Join(args, " "), err, stderr.Bytes())
	}
	var kib, own float64
	if _, err := fmt.Sscan(out.String(), &kib, &own); err != nil {
		return sample{}, fmt.Errorf("peak: %w", err)
	}
	return sample{tool: t.name, seconds: wall.Seconds(), mib: kib / 1024, ownMiB: own / 1024}, nil
}
