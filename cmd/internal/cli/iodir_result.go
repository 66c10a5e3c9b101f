package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// resultDoc is a result.json: how a command has ended. docs/schema/result.v1.json
// is its schema.
type resultDoc struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Key is that of params.json, so that the result of another operation, in a
	// folder that is used again, is told apart.
	Key       string   `json:"key"`
	Command   string   `json:"command"` // such as "rollout start"
	ExitCode  int      `json:"exitCode"`
	State     string   `json:"state"` // the exit code in a word
	Message   string   `json:"message,omitempty"`
	Hints     []string `json:"hints,omitempty"`
	Next      string   `json:"next,omitempty"` // the command that goes on, if there is one
	Release   string   `json:"release,omitempty"`
	Namespace string   `json:"namespace,omitempty"`
	Revision  int      `json:"revision,omitempty"`
	Plan      string   `json:"plan,omitempty"` // digest of what was planned or done
	Owner     string   `json:"owner,omitempty"`
	Actor     string   `json:"actor,omitempty"`
	Approver  string   `json:"approver,omitempty"`
	Build     string   `json:"build,omitempty"`
	Commit    string   `json:"commit,omitempty"`
	Events    string   `json:"events,omitempty"` // the file
	JUnit     string   `json:"junit,omitempty"`  // the file
	StartedAt string   `json:"startedAt"`
	EndedAt   string   `json:"endedAt"`
	Version   string   `json:"version"` // of slipway
	// Rollout is where the rollout is, null if the command was about none.
	Rollout *rolloutEnd `json:"rollout,omitempty"`
}

// ending collects how a command ends, and writes that where pipelines look. Its
// methods are safe for concurrent use: a signal may end the process while the
// command is at work. Nil does nothing.
type ending struct {
	mu     sync.Mutex
	dir    string // of --io-dir, "" without
	result resultDoc
	done   bool // written; what comes later is not
}

func newEnding(now time.Time) *ending {
	return &ending{result: resultDoc{
		APIVersion: eventsVersion, Kind: "Result", StartedAt: timeText(now),
	}}
}

func (e *ending) open(dir string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dir = dir
}

// set changes what will be written.
func (e *ending) set(change func(*resultDoc)) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.result)
}

// audit takes up on whose behalf the command works.
func (e *ending) audit(owner string, audit release.Audit) {
	e.set(func(r *resultDoc) {
		r.Owner, r.Actor, r.Build, r.Commit = owner, audit.Actor, audit.BuildURL, audit.Commit
		if audit.Approver != "" {
			r.Approver = audit.Approver
		}
	})
}

// rollout takes up where a rollout is.
func (e *ending) rollout(name string, st *rollout.State) {
	where := endOf(name, st)
	e.set(func(r *resultDoc) {
		r.Rollout, r.Release = &where, name
		if st != nil {
			r.Revision, r.Namespace, r.Plan = st.Revision, st.Namespace, st.PlanDigest
			r.Approver = cmp.Or(st.Approver.Name, st.Approver.Owner, r.Approver)
		}
	})
}

// record takes up which revision a command has made.
func (e *ending) record(rec *release.Record) {
	if rec == nil || rec.Release == nil {
		return
	}
	e.set(func(r *resultDoc) {
		r.Release, r.Namespace, r.Revision = rec.Name, rec.Namespace, rec.Version
		if rec.Operation != nil {
			r.Plan = cmp.Or(rec.Operation.PlanDigest, r.Plan)
		}
	})
}

// failed takes up why a command has failed.
func (e *ending) failed(err error, message string, hints []string) {
	e.set(func(r *resultDoc) {
		r.Message, r.Hints = message, hints
		var operation *deploy.Error
		if errors.As(err, &operation) {
			r.Release = cmp.Or(operation.Release, r.Release)
			r.Revision = cmp.Or(operation.Revision, r.Revision)
		}
	})
}

// write ends the result. Only the first call does anything.
func (e *ending) write(code int, now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done {
		return nil
	}
	e.done = true
	r := &e.result
	r.ExitCode, r.State, r.EndedAt = code, codeWord(code), timeText(now)
	r.Next = nextCommand(r)
	if r.Key == "" {
		r.Key = strings.Join([]string{cmp.Or(r.Owner, "-"), cmp.Or(r.Release, "-"), r.Command, "0"}, "/")
	}
	if e.dir == "" {
		return nil
	}
	r.Version = readBuildInfo().Version
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(e.dir, resultFile), append(data, '\n'))
}

// codeWord is an exit code in a word.
func codeWord(code int) string {
	switch code {
	case exitDone:
		return "done"
	case exitBadInput:
		return "refused"
	case exitRolledBack:
		return "rolled-back"
	case exitFailed:
		return "failed"
	case exitPaused:
		return "paused"
	case exitChanges:
		return "changes"
	case exitLocked:
		return "locked"
	case exitUndecided:
		return "inconclusive"
	case exitRetryable:
		return "retryable"
	case exitTimeout:
		return "timeout"
	case exitInterrupt, exitTerminated:
		return "interrupted"
	}
	return "internal-error"
}

// nextCommand is the command that goes on from an end, "" if none does.
func nextCommand(r *resultDoc) string {
	at := " " + r.Release
	if r.Namespace != "" {
		at += " --namespace " + r.Namespace
	}
	switch {
	case r.Release == "":
		return ""
	case r.ExitCode == exitLocked && strings.HasPrefix(r.Command, "rollout"):
		return "slipway rollout status" + at
	case r.ExitCode == exitLocked, r.ExitCode == exitTimeout && r.Rollout == nil:
		return "slipway status" + at
	case r.Rollout != nil && r.Rollout.next != "":
		return "slipway rollout " + r.Rollout.next + strings.TrimPrefix(at, " "+r.Release)
	case r.ExitCode == exitRolledBack:
		return "slipway history" + at
	case r.ExitCode == exitFailed:
		return "slipway status" + at
	}
	return ""
}

// nextOf is what goes on with a rollout, "" if it is over.
func nextOf(name string, st *rollout.State) string {
	switch {
	case st == nil, st.Phase == rollout.Done, st.Phase == rollout.Aborted:
		return ""
	case st.Phase == rollout.Gate:
		return "promote " + name + " --from-step " + strconv.Itoa(st.Step+1)
	case isBackwards(st.Phase):
		return "abort " + name
	}
	return "promote " + name
}

func isBackwards(p rollout.Phase) bool {
	return p == rollout.Returning || p == rollout.Clearing || p == rollout.Restoring
}
