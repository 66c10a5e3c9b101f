package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/e6d26078/slipway/release/deploy"
)

// operate connects, runs an operation with its progress reported, and closes
// everything. The name is that of the operation, such as "upgrade web". A
// report that could not be written is no error of the operation: Run tells of
// it when the result has been printed.
func (a *app) operate(ctx context.Context, o *operationFlags, name string, run func(deploy.Config) error) error {
	return a.operateOn(ctx, o, name, func(_ *connection, config deploy.Config) error { return run(config) })
}

// operateOn is operate for what asks more of the connection.
func (a *app) operateOn(ctx context.Context, o *operationFlags, name string, run func(*connection, deploy.Config) error) error {
	p, err := a.beginProgress(o, name)
	if err != nil {
		return err
	}
	a.onWarning = func(message string) {
		p.observe(deploy.Notice{Time: a.env.Now(), Step: deploy.StepWarning, Message: message})
	}
	err = a.runConnected(ctx, o, p, run)
	a.onWarning = nil
	a.reportFault = p.finish(name, err)
	a.ci.end(a, a.env.Now())
	if err == nil {
		a.done = name
	}
	return err
}

// beginProgress opens the reports of an operation, and says in the result on
// whose behalf it is and where they are.
func (a *app) beginProgress(o *operationFlags, name string) (*progress, error) {
	a.ending.audit(a.ownerOf(o), a.auditOf(o))
	a.ending.set(func(r *resultDoc) { r.Events, r.JUnit = o.progress.eventsFile, o.progress.junitFile })
	p, err := a.newProgress(o.progress, name)
	if err == nil {
		a.ci.begin(a, name, a.env.Now())
	}
	return p, err
}

func (a *app) runConnected(ctx context.Context, o *operationFlags, p *progress, run func(*connection, deploy.Config) error) error {
	a.patience = o.leaseDuration * 2 / 5 // the lock has to outlast it
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	config, err := a.deployConfig(c, o, p.observe)
	config.Watch = p.watch()
	if err == nil {
		err = run(c, config)
	}
	return errors.Join(err, c.close())
}

// operateAlone is operate for what asks no cluster: the client-side dry run of an install.
func (a *app) operateAlone(o *operationFlags, name string, run func(deploy.Config) error) error {
	p, err := a.beginProgress(o, name)
	if err != nil {
		return err
	}
	err = run(deploy.Config{
		Namespace: a.namespace(), Clock: a.env.Now, NewID: func() string { return newID(a.env.Now()) },
		Owner: a.ownerOf(o), Audit: a.auditOf(o), Observe: p.observe,
		Review: a.gate.reviewer(nil, p.observe),
	})
	a.reportFault = p.finish(name, err)
	a.ci.end(a, a.env.Now())
	if err == nil {
		a.done = name
	}
	return err
}

// missingRelease adds Helm's words to the error that there is no such release.
func missingRelease(err error, words string) error {
	var missing *deploy.NoReleaseError
	if !errors.As(err, &missing) {
		return err
	}
	return withHint(fmt.Errorf("%s: %w", words, err), "'slipway list -A' shows the releases of all namespaces")
}
