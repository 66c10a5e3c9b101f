package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

var _ deploy.Waiter = (*Client)(nil)

// defaultSettle is how long a reason that usually needs help has to last.
const defaultSettle = 10 * time.Second

// Wait returns when every object is ready, or a *deploy.NotReadyError as soon
// as one cannot become so without help or when the context's deadline passes.
// If the context ends otherwise it returns its cause.
//
// What ready means is decided by kstatus, with Jobs counted only if
// options.Jobs is set, claims bound unless their storage class waits for a pod,
// and Services leading to at least one ready endpoint unless nothing of the
// release is meant to be one. ConfigMaps, roles and the like are not looked at.
//
// It costs one list for each kind and namespace. Only kinds of which an object
// is not ready are watched, and with them the pods of their workloads, for
// reasons such as ImagePullBackOff that fail the wait when they last for
// options.Settle. When it fails, what the events and logs tell is read, which
// takes at most some seconds, also after the context's deadline. Values of
// Secrets are masked in it.
//
// It needs permission to list and watch the objects' kinds. With less than the
// following it does without what they tell: list and watch pods, events and
// endpointslices, list replicasets and storageclasses, get
// persistentvolumeclaims, pods/log and secrets.
func (c *Client) Wait(ctx context.Context, objects []manifest.Object, options deploy.WaitOptions) error {
	w := newWaiter(c, newTracker(objects, options.Jobs, assess), options)
	w.detail.hide(objects)
	return w.run(ctx)
}

// WaitHook returns when a Job or Pod has run to its end; objects of other kinds
// are done already. One that failed, or that needs help to go on, is a
// *deploy.HookFailedError; when the context's deadline passes, the error is a
// *deploy.NotReadyError; if the context ends otherwise, its cause.
//
// If watch is not nil it is told what there is to see, as with Wait.
func (c *Client) WaitHook(ctx context.Context, o manifest.Object, watch func(deploy.Sight)) error {
	return c.waitHook(ctx, o, deploy.WaitOptions{Jobs: true, Watch: watch})
}

func (c *Client) waitHook(ctx context.Context, o manifest.Object, options deploy.WaitOptions) error {
	if kind := keyOf(o.Ref); kind != jobKind && kind != podKind {
		return nil
	}
	objects := []manifest.Object{o}
	w := newWaiter(c, newTracker(objects, options.Jobs, assessHook), options)
	w.detail.hide(objects)
	err := w.run(ctx)
	var notReady *deploy.NotReadyError
	if !errors.As(err, &notReady) || notReady.Timeout || len(notReady.Objects) == 0 {
		return err
	}
	first := notReady.Objects[0]
	message := first.Message
	if message == "" {
		message = first.Reason
	}
	return &deploy.HookFailedError{Ref: first.Ref, Message: message, Detail: first.Detail}
}

// waiter is one wait. Its fields belong to the goroutine that calls run.
type waiter struct {
	client  *Client
	tracker *tracker
	options deploy.WaitOptions
	detail  *detailer

	sources []*source
	reports chan report
	expired chan suspicion
	looks   chan findings
	timers  map[suspicion]*time.Timer
	blind   map[string]bool // namespaces whose EndpointSlices must not be listed
	culprit manifest.Ref    // whose trouble has ended the wait
	failing error           // why the API server could not be asked at the last try, nil when it could
	streams sync.WaitGroup
}

// report is a change that a source tells.
type report struct {
	change
	from *source
}

func newWaiter(c *Client, t *tracker, options deploy.WaitOptions) *waiter {
	if options.Settle <= 0 {
		options.Settle = defaultSettle
	}
	if options.Progress == nil {
		options.Progress = func(deploy.Progress) {}
	}
	return &waiter{
		client: c, tracker: t, options: options, detail: &detailer{client: c},
		reports: make(chan report, 64),
		expired: make(chan suspicion),
		looks:   make(chan findings),
		timers:  map[suspicion]*time.Timer{},
		blind:   map[string]bool{},
	}
}

// run waits until everything is ready, something has failed or the context ends.
func (w *waiter) run(caller context.Context) error {
	ctx, cancel := context.WithCancel(caller)
	defer w.streams.Wait()
	defer cancel()
	defer w.stopTimers()

	if err := w.addObjectSources(ctx); err != nil {
		return err
	}
	w.addSliceSources()
	for _, s := range w.sources {
		w.start(ctx, s)
	}
	if err := w.takeInLists(ctx); err != nil {
		return w.ended(caller, err)
	}
	w.findLateBinding(ctx)
	for watching := false; ; {
		w.tracker.settle(w.blind)
		for _, p := range w.tracker.news() {
			p.Message = w.detail.mask(p.Message)
			w.options.Progress(p)
		}
		w.show(ctx)
		pending := w.tracker.pending()
		if len(pending) == 0 {
			return nil
		}
		if failed := w.tracker.failed(); len(failed) > 0 {
			return w.notReady(caller, failed, false)
		}
		if !watching {
			w.watchPending(ctx)
			watching = true
		}
		w.setTimers(ctx)
		if err := w.next(ctx); err != nil {
			return w.ended(caller, err)
		}
	}
}

// errTrouble says that a reason has lasted too long. It does not leave the waiter.
var errTrouble = errors.New("needs help")

// ended says what the end of a wait means to the caller.
func (w *waiter) ended(caller context.Context, err error) error {
	switch {
	case errors.Is(err, errTrouble):
		return w.notReady(caller, w.inTrouble(caller), false)
	case errors.Is(caller.Err(), context.DeadlineExceeded):
		return w.notReady(caller, w.tracker.pending(), true)
	case caller.Err() != nil:
		return context.Cause(caller)
	}
	return err
}

// start lets a source list its objects and, once it is told to, watch them.
func (w *waiter) start(ctx context.Context, s *source) {
	s.stream.send = func(c change) {
		select {
		case w.reports <- report{c, s}:
		case <-ctx.Done():
		}
	}
	w.streams.Go(func() {
		l, err := s.stream.list(ctx)
		if err != nil {
			s.stream.send(change{err: err})
			return
		}
		s.stream.send(change{listed: l})
		select {
		case <-s.watch:
			s.stream.follow(ctx, l.version)
		case <-ctx.Done():
		}
	})
}

// takeInLists waits for the first list of every source.
func (w *waiter) takeInLists(ctx context.Context) error {
	for open := len(w.sources); open > 0; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-w.reports:
			if err := w.takeIn(r); err != nil {
				return err
			}
			if r.listed != nil || r.err != nil {
				open--
			}
		}
	}
	return nil
}

// next waits for something to happen and takes in all that has happened by then.
func (w *waiter) next(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case s := <-w.expired:
		return w.judge(ctx, s)
	case f := <-w.looks:
		f.target.findings = f.lines
	case r := <-w.reports:
		if err := w.takeIn(r); err != nil {
			return err
		}
	}
	for {
		select {
		case r := <-w.reports:
			if err := w.takeIn(r); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// takeIn applies a change to what is known.
func (w *waiter) takeIn(r report) error {
	w.failing = r.retrying
	switch {
	case r.retrying != nil:
		return nil
	case r.err == nil:
		r.from.apply(r.change)
		return nil
	}
	return r.from.lost(r.err)
}

// setTimers starts one for each new suspicion and stops those of suspicions that are gone.
func (w *waiter) setTimers(ctx context.Context) {
	current := w.tracker.suspicions()
	for s, timer := range w.timers {
		if !current[s] {
			timer.Stop()
			delete(w.timers, s)
		}
	}
	for s := range current {
		if w.timers[s] == nil {
			w.timers[s] = time.AfterFunc(w.options.Settle, func() {
				select {
				case w.expired <- s:
				case <-ctx.Done():
				}
			})
		}
	}
}

func (w *waiter) stopTimers() {
	for _, timer := range w.timers {
		timer.Stop()
	}
}

// judge decides about a reason that has lasted: nil if it does not count after all.
func (w *waiter) judge(ctx context.Context, s suspicion) error {
	if !w.tracker.suspicions()[s] {
		return nil // gone while its timer's message was on its way
	}
	delete(w.timers, s)
	if !w.confirmed(ctx, s) {
		return nil
	}
	w.culprit = s.ref
	return errTrouble
}

// inTrouble are the objects that need help when one of them has needed it for
// long. Services come and go with their workloads, so only one that ended the wait is named.
func (w *waiter) inTrouble(ctx context.Context) []*target {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for s := range w.tracker.suspicions() {
		if s.pod != "" && w.isOld(ctx, s) {
			w.tracker.ignore(s)
		}
	}
	var all []*target
	for _, g := range w.tracker.targets {
		if g.kind == serviceKind && g.ref != w.culprit {
			continue
		}
		if state := g.state().state; state == troubled || state == failed {
			all = append(all, g)
		}
	}
	return all
}

// notReady makes the error about some objects.
func (w *waiter) notReady(ctx context.Context, targets []*target, timeout bool) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	e := &deploy.NotReadyError{Timeout: timeout, Objects: make([]deploy.NotReady, len(targets))}
	details := w.detail.ofTargets(ctx, targets)
	for i, g := range targets {
		v := g.state()
		e.Objects[i] = deploy.NotReady{Ref: g.ref, Reason: v.reason, Message: w.detail.mask(v.message), Detail: details[i]}
		if w.failing != nil {
			e.Objects[i].Message += "; the API server could not be asked: " + w.failing.Error()
		}
	}
	return e
}

// afterwards is a context for what is read when a wait has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	const limit = 5 * time.Second
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
