package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// progressFlags say where an operation reports what it does.
type progressFlags struct {
	eventsFile string
	junitFile  string
	quiet      bool
}

func (p *progressFlags) register(f *pflag.FlagSet) {
	f.StringVar(&p.eventsFile, "events-file", "", "append what happens to this file, a JSON object a line")
	f.StringVar(&p.junitFile, "junit", "", "write a JUnit report with a test case for each hook and object to this file")
	f.BoolVarP(&p.quiet, "quiet", "q", false, "report only warnings and errors on standard error")
	pipelineFlags(f)
}

// heartbeat is how often a wait is reported where nobody watches.
const heartbeat = 30 * time.Second

// progress reports what an operation does: on standard error, and in the files
// that were asked for. Its methods are safe for concurrent use.
type progress struct {
	app    *app
	quiet  bool
	colour bool
	screen *screen // nil where nobody watches
	events *eventsFile
	junit  *junitReport

	mu      sync.Mutex
	waiting map[manifest.Ref]string       // what is waited for, and the state of it
	sights  map[manifest.Ref]deploy.Sight // what there is to see of it
	stop    chan struct{}
	stopped sync.WaitGroup
}

// newProgress opens the files of an operation such as "upgrade web". It is to be ended by finish.
func (a *app) newProgress(flags progressFlags, name string) (*progress, error) {
	p := &progress{app: a, quiet: flags.quiet, waiting: map[manifest.Ref]string{}, sights: map[manifest.Ref]deploy.Sight{}, stop: make(chan struct{})}
	p.colour = a.env.Getenv("CLICOLOR_FORCE") != "" && a.env.Getenv("CLICOLOR_FORCE") != "0"
	every := heartbeat
	if file, ok := a.env.Stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) && a.env.Getenv("TERM") != "dumb" && !flags.quiet {
		p.screen = newScreen(file)
		p.colour = true
		every = redrawEvery
	}
	if a.env.Getenv("NO_COLOR") != "" || a.env.Getenv("TERM") == "dumb" {
		p.colour = false
	}
	var err error
	if flags.eventsFile != "" {
		if p.events, err = openEvents(flags.eventsFile, name); err != nil {
			return nil, err
		}
	}
	if flags.junitFile != "" {
		if p.junit, err = newJUnit(flags.junitFile, a.env.Now()); err != nil {
			return nil, err
		}
	}
	p.stopped.Go(func() { p.tick(every) })
	return p, nil
}

// tick repeats what is waited for.
func (p *progress) tick(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			switch {
			case p.screen != nil:
				p.screen.draw(p.tree())
			case len(p.waiting) > 0 && !p.quiet:
				p.app.warn(p.stillWaiting())
			}
			p.mu.Unlock()
		}
	}
}

// observe reports one notice.
func (p *progress) observe(n deploy.Notice) {
	n.Message = printable(n.Message)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events.write(n)
	p.junit.note(n)
	p.track(n)
	if n.Step == deploy.StepWarning {
		p.app.ci.warned(n.Message)
	}
	if line := p.line(n); line != "" {
		p.screen.erase()
		p.app.warn(line)
		p.screen.draw(p.tree())
	}
}

// watch is what an operation shows its pods, events and logs to; nil where nobody watches.
func (p *progress) watch() func(deploy.Sight) {
	if p.screen == nil {
		return nil
	}
	return func(s deploy.Sight) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sights[s.Ref] = s
	}
}

// track keeps what is waited for.
func (p *progress) track(n deploy.Notice) {
	switch {
	case n.Step == deploy.StepWait && n.Action != "ready":
		p.waiting[n.Ref] = n.Message
	case n.Step == deploy.StepHook && n.Action == "running":
		p.waiting[n.Ref] = n.Message + " hook"
	case n.Step == deploy.StepWait, n.Step == deploy.StepHook:
		delete(p.waiting, n.Ref)
		delete(p.sights, n.Ref)
	}
}

// line is what is said of a notice; empty if it is not worth a line.
func (p *progress) line(n deploy.Notice) string {
	switch {
	case n.Step == deploy.StepWarning:
		return p.paint(yellow, "slipway: warning:") + " " + n.Message
	case p.quiet:
		return ""
	case n.Step == deploy.StepLog:
		return p.logLines(n)
	case n.Step == deploy.StepWait && n.Action != "ready", n.Action == "unchanged":
		return ""
	case n.Ref == (manifest.Ref{}):
		return n.Message
	}
	line := p.paint(colourOf(n.Action), n.Action) + " " + n.Ref.String()
	switch {
	case n.Step == deploy.StepHook && n.Message != "":
		line = p.paint(colourOf(n.Action), n.Message+" hook "+n.Action) + ": " + n.Ref.String()
	case n.Message != "" && n.Action != "ready":
		line += ": " + n.Message
	}
	return line
}

// logLines are those of a hook's log, each with the object that wrote it.
func (p *progress) logLines(n deploy.Notice) string {
	var lines []string
	for line := range strings.Lines(n.Message) {
		lines = append(lines, p.paint(grey, n.Ref.String()+" |")+" "+strings.TrimRight(line, "\n"))
	}
	return strings.Join(lines, "\n")
}

// stillWaiting is the heartbeat.
func (p *progress) stillWaiting() string {
	const most = 10
	var parts []string
	for i, ref := range p.refs() {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(p.waiting)-most))
			break
		}
		parts = append(parts, describeWait(ref, p.waiting[ref]))
	}
	return fmt.Sprintf("waiting for %d: %s", len(p.waiting), strings.Join(parts, "; "))
}

func describeWait(ref manifest.Ref, state string) string {
	if state == "" {
		return ref.String()
	}
	return ref.String() + " (" + state + ")"
}

// refs are the objects that are waited for, in order.
func (p *progress) refs() []manifest.Ref {
	refs := make([]manifest.Ref, 0, len(p.waiting))
	for ref := range p.waiting {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b manifest.Ref) int { return strings.Compare(a.String(), b.String()) })
	return refs
}

// tree shows what is waited for below its kinds, each object with its pods and,
// if it is in trouble, the last events and log lines.
func (p *progress) tree() []string {
	var lines []string
	kind := ""
	for _, ref := range p.refs() {
		if ref.Kind != kind {
			kind = ref.Kind
			lines = append(lines, p.paint(grey, kind))
		}
		name := ref.Name
		if ref.Namespace != "" {
			name = ref.Namespace + "/" + name
		}
		lines = append(lines, "  "+name+"  "+p.paint(yellow, p.waiting[ref]))
		lines = append(lines, p.below(p.sights[ref])...)
	}
	return lines
}

// below are the lines of the tree below an object.
func (p *progress) below(s deploy.Sight) []string {
	const most = 5
	var lines []string
	for i, pod := range s.Pods {
		if i == most {
			lines = append(lines, p.paint(grey, fmt.Sprintf("    %d more pods", len(s.Pods)-most)))
			break
		}
		colour := yellow
		if pod.Ready {
			colour = green
		}
		lines = append(lines, "    "+pod.Name+"  "+p.paint(colour, oneLineOf(printable(pod.State))))
	}
	for _, line := range s.Detail {
		lines = append(lines, p.paint(grey, "    "+oneLineOf(printable(line))))
	}
	return lines
}

// finish ends the reports. The error says that a report could not be written,
// which is worth an exit code only if the operation itself went well.
func (p *progress) finish(name string, failure error) error {
	close(p.stop)
	p.stopped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.screen.erase()
	p.waiting = map[manifest.Ref]string{}
	err := errors.Join(p.events.close(), p.junit.write(name, failure, p.app.env.Now()))
	if err != nil && failure != nil {
		p.app.warnf("slipway: warning: %v", err)
		return nil
	}
	if err != nil {
		return machineFault(err)
	}
	return nil
}

// The colours of actions, as terminals number them.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	grey   = "90"
)

func (p *progress) paint(colour, text string) string {
	if !p.colour || colour == "" || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func colourOf(action string) string {
	switch action {
	case "created", "ready", "succeeded":
		return green
	case "configured", "recreated", "running":
		return yellow
	case "deleted", "failed":
		return red
	}
	return ""
}
