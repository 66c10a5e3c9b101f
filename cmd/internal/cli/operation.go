package cli

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
)

// operationFlags are those of every command that changes a release: on whose
// behalf it works, how it takes the lock of the release, and where it reports.
type operationFlags struct {
	owner         string
	actor         string
	approver      string
	buildURL      string
	commit        string
	reason        string
	leaseDuration time.Duration
	lockTimeout   time.Duration
	settle        time.Duration
	progress      progressFlags
}

func (o *operationFlags) register(f *pflag.FlagSet) {
	f.StringVar(&o.owner, "owner", "", "name of the run that this operation belongs to; the same owner takes over at once what it left unfinished (default: the build, when run by Jenkins, GitHub or GitLab)")
	f.StringVar(&o.actor, "actor", "", "who is recorded as having asked for this (default: BUILD_USER, GITHUB_ACTOR, GITLAB_USER_LOGIN or the system's user)")
	f.StringVar(&o.approver, "approver", "", "who has approved this, for the record: whom the gate of a pipeline names")
	f.StringVar(&o.buildURL, "build-url", "", "URL of the build, for the record (default: that of Jenkins, GitHub or GitLab)")
	f.StringVar(&o.commit, "commit", "", "commit that is deployed, for the record (default: GIT_COMMIT, GITHUB_SHA or CI_COMMIT_SHA)")
	f.StringVar(&o.reason, "reason", "", "why this is done, for the record")
	f.DurationVar(&o.leaseDuration, "lease-duration", 30*time.Second, "time after which the lock of a process that was killed can be taken over, in whole seconds")
	f.DurationVar(&o.lockTimeout, "lock-timeout", 0, "how long to wait for another owner of the lock; 0 means not at all")
	o.progress.register(f)
}

// registerSettle adds the flag of the commands that wait for objects.
func (o *operationFlags) registerSettle(f *pflag.FlagSet) {
	f.DurationVar(&o.settle, "settle", 10*time.Second, "how long a reason such as CrashLoopBackOff has to last before it fails the wait")
}

// deployConfig is what operations on the connection act on. Observe is told
// what they do.
func (a *app) deployConfig(c *connection, o *operationFlags, observe func(deploy.Notice)) (deploy.Config, error) {
	locks, err := c.client.Locks(c.namespace, o.leaseDuration)
	if err != nil {
		return deploy.Config{}, fmt.Errorf("--lease-duration: %w", err)
	}
	return deploy.Config{
		Cluster:     c.client,
		Store:       c.store,
		Locker:      &patientLocker{locker: locks, patience: o.lockTimeout, now: a.env.Now, observe: observe},
		Namespace:   c.namespace,
		RecordLimit: c.limit,
		Clock:       a.env.Now,
		NewID:       func() string { return newID(a.env.Now()) },
		Owner:       a.ownerOf(o),
		Audit:       a.auditOf(o),
		Review:      a.gate.reviewer(c.client, observe),
		Concurrency: a.flags.concurrency,
		Observe:     observe,
	}, nil
}

// newID gives a ULID: 48 bits of milliseconds and 80 random ones, in
// Crockford's base 32, so that ids sort by time.
func newID(now time.Time) string {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	encoding := base32.NewEncoding(crockford).WithPadding(base32.NoPadding)
	// 130 bits are encoded; the first two are zero, as the standard has it.
	var bits [20]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		bits[4+i] = byte(ms >> (8 * (5 - i)))
	}
	_, _ = rand.Read(bits[10:]) // never fails
	return encoding.EncodeToString(bits[:])[6:]
}

// ownerOf names the run of a pipeline that the process belongs to. It is empty
// outside of one.
func (a *app) ownerOf(o *operationFlags) string {
	getenv := a.env.Getenv
	switch {
	case o.owner != "":
		return o.owner
	case getenv("BUILD_TAG") != "":
		return getenv("BUILD_TAG")
	case getenv("GITHUB_RUN_ID") != "":
		parts := []string{"github"}
		// The jobs of a matrix differ in nothing but their runner.
		for _, name := range []string{"GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME"} {
			if value := getenv(name); value != "" {
				parts = append(parts, value)
			}
		}
		return strings.Join(parts, "-")
	case getenv("CI_JOB_ID") != "":
		return "gitlab-" + getenv("CI_JOB_ID")
	}
	return ""
}

// auditOf is what is recorded of who asks for the operation and why.
func (a *app) auditOf(o *operationFlags) release.Audit {
	first := func(given string, names ...string) string {
		for _, name := range names {
			if given == "" {
				given = a.env.Getenv(name)
			}
		}
		return given
	}
	audit := release.Audit{
		Actor:    first(o.actor, "BUILD_USER", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"),
		BuildURL: first(o.buildURL, "BUILD_URL", "CI_JOB_URL"),
		Commit:   first(o.commit, "GIT_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA"),
		Reason:   o.reason,
		Approver: o.approver,
	}
	if run := a.env.Getenv("GITHUB_RUN_ID"); audit.BuildURL == "" && run != "" {
		audit.BuildURL = fmt.Sprintf("%s/%s/actions/runs/%s", a.env.Getenv("GITHUB_SERVER_URL"), a.env.Getenv("GITHUB_REPOSITORY"), run)
	}
	if audit.Actor == "" {
		if u, err := user.Current(); err == nil {
			audit.Actor = u.Username
		}
	}
	return audit
}

// patientLocker waits for a lock that somebody else holds.
type patientLocker struct {
	locker   deploy.Locker
	patience time.Duration
	now      func() time.Time
	observe  func(deploy.Notice)
}

// lockPoll is how often a lock that is held is looked at.
const lockPoll = time.Second

// Acquire takes the lock, or returns a *deploy.LockedError when the patience is at its end.
func (p *patientLocker) Acquire(ctx context.Context, name string, holder deploy.Holder) (deploy.Lock, error) {
	deadline := p.now().Add(p.patience)
	told := ""
	for {
		lock, err := p.locker.Acquire(ctx, name, holder)
		var locked *deploy.LockedError
		left := deadline.Sub(p.now())
		if !errors.As(err, &locked) || left <= 0 {
			return lock, err
		}
		if told != locked.Owner {
			told = locked.Owner
			p.observe(deploy.Notice{Time: p.now(), Step: deploy.StepLock, Message: "waiting for the lock of release " + name + ", which " + told + " holds"})
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(min(left, lockPoll)):
		}
	}
}
