package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/deploy/rollouttest"
	"github.com/e6d26078/slipway/release/rollout"
)

// course is a rollout from its start to its end, as a series of commands.
type course struct {
	name     string
	strategy rollout.Strategy
	commands []string
	target   map[string]any // on top of courseBase
	hooks    []string       // Jobs that it runs
}

var courseBase = map[string]any{
	"deployments": map[string]any{"web": 2}, "hooks": true, "config": "hello", "secret": "one", "extra": "old", "checksum": true,
}

// courses are a whole canary and a whole blue-green, promoted and taken back.
// The canary's pods are adopted, those of the blue-green make place for others.
func courses() []course {
	image := map[string]any{"version": "2", "extra": "new"}
	config := map[string]any{"config": "bye", "secret": "two", "extra": "new"}
	both := []string{"fleet-post-upgrade", "fleet-pre-upgrade"}
	return []course{
		{"canary", rollout.Canary, []string{"start", "promote"}, image, both},
		{"blue-green", rollout.BlueGreen, []string{"start", "promote", "promote"}, config, both},
		{"canary taken back", rollout.Canary, []string{"start", "abort"}, config, []string{"fleet-pre-upgrade"}},
		{"blue-green taken back", rollout.BlueGreen, []string{"start", "promote", "abort"}, image, []string{"fleet-pre-upgrade"}},
	}
}

// options are those of a course; its hooks run at the start.
func (c course) options() deploy.StartOptions {
	o := quick(c.strategy)
	if c.strategy == rollout.Canary {
		o = quick(c.strategy, 50)
	}
	o.Settle, o.Hooks = 10*time.Millisecond, rollout.AtStart
	o.Metrics = []rollout.Metric{{Name: "pod-health", Provider: rollout.Provider{PodHealth: &rollout.PodHealth{}}}}
	return o
}

// rolloutPrefix begins the operations that are commands of courses: "rollout/canary/start".
const rolloutPrefix = "rollout/"

// operateRollout runs one command of a course on the release "fleet".
func operateRollout(ctx context.Context, config deploy.RolloutConfig, operation string) error {
	_, rest, _ := strings.Cut(operation, "/")
	name, command, _ := strings.Cut(rest, "/")
	all := courses()
	i := slices.IndexFunc(all, func(c course) bool { return c.name == name })
	if i < 0 {
		return fmt.Errorf("no course %q", name)
	}
	var err error
	switch command {
	case "start":
		var c *chart.Chart
		if c, err = chart.Load(fleetPath); err == nil {
			_, err = deploy.StartRollout(ctx, config, "fleet", c, with(courseBase, all[i].target), all[i].options())
		}
	case "promote":
		_, err = deploy.PromoteRollout(ctx, config, "fleet", deploy.PromoteOptions{Timeout: time.Minute})
	case "abort":
		_, err = deploy.AbortRollout(ctx, config, "fleet", deploy.AbortOptions{Timeout: time.Minute})
	default:
		err = fmt.Errorf("no command %q", command)
	}
	return err
}

// run is a course in a namespace of its own.
type run struct {
	*launch
	*sweep
	course course
}

func newRun(t *testing.T, api *clustertest.Cluster, c course) *run {
	t.Helper()
	return newRunOf(t, api, c, nil)
}

// newRunOf is newRun with further values in the base and the target.
func newRunOf(t *testing.T, api *clustertest.Cluster, c course, values map[string]any) *run {
	t.Helper()
	base := with(courseBase, values)
	s := &scenario{name: c.name, base: base, target: with(base, c.target), services: []string{"fleet-web"}}
	r := &run{launch: launchOf(t, api, s, c.strategy), course: c}
	r.launch.config.Owner = "run-1"
	r.install(t, "slipway", base, "install")
	r.watch(t)
	r.sweep = &sweep{namespace: r.launch.namespace, owner: "run-1", proxy: newKiller(t, api.RESTConfig(t))}
	return r
}

// command runs a command of the course in a process of its own. It is killed
// at a change, or with 0 expected to succeed. The number of changes is returned.
func (r *run) command(t *testing.T, name string, at int, after bool) int {
	t.Helper()
	r.sweep.operation = rolloutPrefix + r.course.name + "/" + name
	return r.sweep.run(t, at, after)
}

// directly runs commands in this process.
func (r *run) directly(t *testing.T, commands ...string) {
	t.Helper()
	for _, name := range commands {
		if err := r.try(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// try runs a command in this process.
func (r *run) try(name string) error {
	if name == "start" {
		_, err := deploy.StartRollout(background, r.launch.config, "fleet", r.chart, r.scenario.target, r.course.options())
		return err
	}
	return operateRollout(background, r.launch.config, rolloutPrefix+r.course.name+"/"+name)
}

// resume goes on after a command was killed: with the same, and then with what
// there is to do until the end. Which gate was reached decides, as for people.
func (r *run) resume(t *testing.T, killed string) {
	t.Helper()
	last := r.course.commands[len(r.course.commands)-1]
	if killed != "promote" {
		r.directly(t, killed)
	}
	for {
		stored, err := r.launch.config.Rollouts.State(background, "fleet")
		if errors.Is(err, release.ErrNotFound) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		s := stored.State
		if last == "abort" && s.Phase == rollout.Gate && s.Step+2 == len(r.course.commands) {
			r.directly(t, "abort")
			continue
		}
		r.directly(t, "promote")
	}
}

// outcome is everything that two runs have to agree on.
func (r *run) outcome(t *testing.T) map[string]any {
	t.Helper()
	r.settle(t)
	found := r.objects(t, r.launch.namespace)
	found["pods"] = slices.Sorted(maps.Values(r.pods(t)))
	past, err := r.launch.config.Store.History(background, "fleet")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range past {
		record, err := r.launch.config.Store.Get(background, "fleet", m.Version)
		if err != nil {
			t.Fatal(err)
		}
		found[fmt.Sprint("revision ", m.Version)] = recordEssence(record)
	}
	return found
}

// TestKilledRolloutIsContinued kills the processes of rollouts before and after
// each of their changes to the cluster in turn. The next command goes on, to the
// same end, and no invariant is broken on the way. All points are tried with
// SLIPWAY_SWEEP=all, else a choice that SLIPWAY_SEED decides.
func TestKilledRolloutIsContinued(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	var tried atomic.Int64
	t.Run("courses", func(t *testing.T) {
		for _, c := range courses() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				whole := newRun(t, api, c)
				totals := make([]int, len(c.commands))
				for i, name := range c.commands {
					totals[i] = whole.command(t, name, 0, false)
				}
				t.Logf("the commands %v make %v changes", c.commands, totals)
				want := whole.outcome(t)
				whole.judge(t, whole.recorder.Cut(t), c.hooks)
				for _, p := range killPoints(dice(c.name), c, totals, func(killPoint) bool { return true }) {
					tried.Add(1)
					t.Run(p.String(), func(t *testing.T) {
						t.Parallel()
						killRun(t, api, c, p, want)
					})
				}
			})
		}
	})
	t.Logf("%d kill points tried", tried.Load())
}

func killRun(t *testing.T, api *clustertest.Cluster, c course, p killPoint, want map[string]any) {
	broken := newRun(t, api, c)
	broken.directly(t, c.commands[:p.command]...)
	broken.command(t, p.name, p.change, p.after)
	broken.resume(t, p.name)
	if diff := cmp.Diff(want, broken.outcome(t)); diff != "" {
		t.Errorf("the end differs from that of an undisturbed rollout (-want +got):\n%s", diff)
	}
	for _, v := range broken.recorder.Cut(t).Judge(rollouttest.Judgement{Release: "fleet", Tolerance: 5, Hooks: c.hooks}) {
		t.Error(v)
	}
}

// killPoint is a moment of a course at which its process is killed.
type killPoint struct {
	point
	command int // index
	name    string
	total   int
}

func (p killPoint) String() string {
	return fmt.Sprintf("%s %d killed %s change %d of %d", p.name, p.command+1, p.point, p.change, p.total)
}

// killPoints are all moments that are wanted, or two of them that are left to chance.
func killPoints(random *rand.Rand, c course, totals []int, wanted func(killPoint) bool) []killPoint {
	var all []killPoint
	for i, total := range totals {
		for change := 1; change <= total; change++ {
			for _, after := range []bool{false, true} {
				if p := (killPoint{point{change, after, "run-1"}, i, c.commands[i], total}); wanted(p) {
					all = append(all, p)
				}
			}
		}
	}
	if sweepsAll() {
		return all
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:2]
}
