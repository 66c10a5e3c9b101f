package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/cmd/internal/link"
)

// Env is what a command may use of the process around it.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time

	// Backend reaches clusters. If it is nil, a command that needs one calls
	// HandOver before it does anything.
	Backend  link.Backend
	HandOver func(context.Context) error

	last *lastWords // what is to be done if the process ends while Run is at work
}

// grace is how long a command may take to end after a signal before the
// process ends without it.
const grace = 4 * time.Second

// Main runs the command line of the process and returns the exit code. Without
// a backend, slipway-cluster takes over for the commands that need a cluster.
func Main(backend link.Backend) int {
	tuneCollector(os.Getenv)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// With somebody listening, writing to a closed pipe is an error like any other.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	last := &lastWords{}
	go func() {
		sig := signalled{<-signals}
		cancel(sig)
		time.Sleep(grace)
		last.say(sig)
		os.Exit(sig.code())
	}()
	return Run(ctx, Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Backend: backend, HandOver: handOver, last: last,
	})
}

// firstCollection is the size of the heap at which garbage is collected for the
// first time. Most commands end before they get there, and what is not
// collected costs nothing; larger ones go on with Go's default from there.
const firstCollection = 96 << 20

// tuneCollector puts the first garbage collection off, unless the user tuned
// the collector.
func tuneCollector(getenv func(string) string) {
	if isTunedByUser(getenv) {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(firstCollection)
	// The cleanup of an object that nobody refers to runs after the first collection.
	runtime.AddCleanup(new(*int), func(struct{}) { collectAsUsual() }, struct{}{})
}

const (
	goPercent = 100 // Go's default
	// clusterPercent is for commands that mostly wait for a cluster, whose answers
	// are many times what has to be kept.
	clusterPercent = 40
)

// collectAsUsual returns to Go's default, unless collectAt was first.
func collectAsUsual() { collectAt(goPercent) }

// collectAt has garbage collected from now on, when the heap has grown by so many
// per cent. Only the first call counts.
func collectAt(percent int) {
	collecting.Do(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	})
}

var collecting sync.Once

func isTunedByUser(getenv func(string) string) bool {
	return getenv("GOGC") != "" || getenv("GOMEMLIMIT") != ""
}

// Run runs one command line and returns the exit code.
func Run(ctx context.Context, env Env) (code int) {
	a := &app{env: env, ending: newEnding(env.Now())}
	env.last.be(a.interrupted)
	a.guardLog(ciOf(givenFlag(env.Args, "ci"), env.Getenv))
	defer func() {
		if a.log != nil {
			a.log.flush()
		}
	}()
	defer func() {
		if fault := recover(); fault != nil {
			const whose = "this is a fault of slipway; please report it with the lines below"
			fmt.Fprintf(a.env.Stderr, "slipway: error: internal error: %v\nslipway: hint: %s\n%s", fault, whose, debug.Stack())
			a.ending.set(func(r *resultDoc) { r.Message, r.Hints = "internal error", []string{whose} })
			code = a.end(exitInternal)
		}
	}()
	root := newRoot(a)
	args, err := a.withParams(root, env.Args)
	if err != nil {
		return a.endWith(ctx, root, err)
	}
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return a.endWith(ctx, cmd, err)
}

// endWith reports what a command has returned and gives the exit code.
func (a *app) endWith(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil {
		err = a.reportFault
	}
	a.named(cmd)
	if err == nil {
		return a.end(exitDone)
	}
	var paused *pausedError
	if errors.As(err, &paused) {
		return a.end(a.endPaused(paused))
	}
	if a.done != "" {
		err = withHint(err, a.done+" is done all the same; 'slipway status' shows the result")
	}
	if errors.Is(err, errChanges) {
		return a.end(exitChanges)
	}
	var unknown *unknownCommandError
	if errors.As(err, &unknown) || !cmd.Runnable() {
		err = withHint(err, fmt.Sprintf("run '%s --help' for usage", cmd.CommandPath()))
	}
	code := codeOf(ctx, err)
	a.report(ctx, cmd, err, code)
	return a.end(code)
}

// endPaused says how a rollout goes on that the command has left at a gate.
func (a *app) endPaused(paused *pausedError) int {
	if a.reportFault != nil {
		a.warnf("slipway: warning: %v", a.reportFault)
	}
	a.hint(paused.hints...)
	return paused.code
}

// app is one run of the command line: the environment and the flags that all
// commands share.
type app struct {
	env       Env
	flags     globalFlags
	onWarning func(message string) // of the API server, while an operation reports its progress

	ending     *ending   // what pipelines are told
	ci         *ciServer // nil for none
	log        *logGuard // nil if no server reads it
	fromParams bool      // parameters come from a file, so that what is secret in them has not been on a command line

	patience    time.Duration // how long an API server is waited for that has gone away; 0 is the usual
	done        string        // the operation that went well, such as "upgrade web"
	reportFault error         // why a report of it could not be written
	gate        *gate         // policies that releases are checked by; nil for none
}

// print writes a command's result to standard output.
func (a *app) print(text string) error {
	if text == "" {
		return nil
	}
	if _, err := io.WriteString(a.env.Stdout, a.ci.data(text, a.env.Stdout)); err != nil {
		return machineFault(fmt.Errorf("write standard output: %w", err))
	}
	return nil
}

// warnf writes a line to standard error.
func (a *app) warnf(format string, args ...any) {
	fmt.Fprintf(a.env.Stderr, format+"\n", args...)
}

// warn is warnf for a text that is complete.
func (a *app) warn(message string) { a.warnf("%s", strings.TrimRight(message, "\n")) }

// hint says what to do next, a line each.
func (a *app) hint(hints ...string) {
	for _, text := range hints {
		a.warnf("slipway: hint: %s", text)
	}
	a.ending.set(func(r *resultDoc) { r.Hints = append(r.Hints, hints...) })
}

// debugf writes a line to standard error when --debug is set.
func (a *app) debugf(format string, args ...any) {
	if a.flags.debug {
		a.warnf("[debug] "+format, args...)
	}
}
