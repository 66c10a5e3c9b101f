package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/plan/seal"
)

const applyLong = `Do what a plan says that 'slipway plan --out FILE' has written: exactly that,
from what was rendered then. It is refused if the cluster has moved since.

--expect-plan takes the digest of the plan that was approved. Give it from the
approval, not from the file: then nobody can put another plan in its place.

--policy and --policy-file check what was rendered then by the policies of now:
those that 'slipway plan' was given may have changed since.`

type applyOptions struct {
	file       string
	expect     string
	key        string
	passphrase string
	wait       waitFlag
	deploy.ApplyPlanOptions
	operation operationFlags
	policy    policyFlags
	output    outputFormat
}

func newApply(a *app) *cobra.Command {
	o := &applyOptions{}
	cmd := &cobra.Command{
		Use:   "apply --plan FILE",
		Short: "do what a plan says",
		Long:  applyLong,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runApply(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.file, "plan", "", "file that 'slipway plan --out' has written")
	f.StringVar(&o.expect, "expect-plan", "", "digest of the plan that was approved")
	f.StringVar(&o.key, "key", "", "file with the OpenPGP private key of a plan that is encrypted")
	f.StringVar(&o.passphrase, "passphrase-file", "", "file with the passphrase of that key")
	o.wait.register(f, waitUsage)
	f.BoolVar(&o.WaitForJobs, "wait-for-jobs", false, "with --wait, also wait until all jobs are complete")
	f.DurationVar(&o.Timeout, "timeout", helmTimeout, timeoutUsage)
	f.BoolVar(&o.Atomic, "atomic", false, "take the changes back if it fails; implies --wait")
	f.BoolVar(&o.CleanupOnFail, "cleanup-on-fail", false, "delete what a failed operation has created")
	o.output.register(f)
	o.operation.register(f)
	o.operation.registerSettle(f)
	o.policy.register(f)
	return cmd
}

func (a *app) runApply(ctx context.Context, o *applyOptions) error {
	if o.file == "" {
		return withHint(errors.New("apply needs a plan"), "write one with 'slipway plan RELEASE CHART --out FILE', then 'slipway apply --plan FILE'")
	}
	file, err := plan.ReadFile(o.file)
	if err != nil {
		return err
	}
	if o.expect != "" && o.expect != file.Digest {
		return withHint(fmt.Errorf("%s holds plan %s, and %s was approved", o.file, file.Digest, o.expect), "have this plan approved, or use the file of the one that was")
	}
	if a.flags.namespace != "" && a.flags.namespace != file.Namespace {
		return withHint(fmt.Errorf("the plan is for namespace %s, and --namespace is %s", file.Namespace, a.flags.namespace), "leave --namespace out")
	}
	a.flags.namespace = file.Namespace
	if err := a.openGate(&o.policy, engine.Helm3); err != nil {
		return err
	}
	o.Wait, o.Settle = bool(o.wait), o.operation.settle
	var result *deploy.Result
	err = a.operate(ctx, &o.operation, "apply "+file.Release, func(config deploy.Config) (err error) {
		result, err = a.applyPlan(ctx, o, file, config)
		return err
	})
	var moved *deploy.MovedError
	if errors.As(err, &moved) {
		return withHint(err, "make a new plan with 'slipway plan', and have it approved")
	}
	if err != nil {
		return err
	}
	a.ending.record(result.Record)
	return a.printAs(o.output, withoutSecretText(result.Record).Release, func() (string, error) {
		return fmt.Sprintf("Plan %s is done.\n", file.Digest) + statusText(result.Record, false, nil), nil
	})
}

// applyPlan gets the frozen operation and carries it out.
func (a *app) applyPlan(ctx context.Context, o *applyOptions, file *plan.File, config deploy.Config) (*deploy.Result, error) {
	c, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	plans := c.client.Plans(file.Namespace)
	data, err := a.openPlan(ctx, o, file, plans)
	if errors.Is(err, link.ErrNoPlan) {
		return nil, withHint(err, "it was carried out already, or its time has passed: make a new plan")
	}
	if err != nil {
		return nil, err
	}
	frozen, err := deploy.DecodeFrozen(data)
	if err != nil {
		return nil, err
	}
	if frozen.Digest != file.Digest || frozen.Release != file.Release || frozen.Namespace != file.Namespace {
		return nil, fmt.Errorf("%s does not fit what was frozen for it", o.file)
	}
	result, err := deploy.Apply(ctx, config, frozen, o.ApplyPlanOptions)
	if err == nil && file.Payload.Secret != "" {
		if e := plans.Delete(ctx, file.Payload.Secret); e != nil {
			a.warnf("slipway: warning: the frozen plan stays until its time has passed: %v", e)
		}
	}
	return result, err
}

// openPlan reads the frozen operation from the cluster or from the file.
func (a *app) openPlan(ctx context.Context, o *applyOptions, file *plan.File, plans link.Plans) ([]byte, error) {
	if file.Payload.Secret != "" {
		return plans.Load(ctx, file.Payload.Secret)
	}
	if o.key == "" {
		return nil, withHint(fmt.Errorf("%s is encrypted", o.file), "give the private key with --key")
	}
	key, err := readFile(o.key)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	var passphrase []byte
	if o.passphrase != "" {
		text, err := readFile(o.passphrase)
		if err != nil {
			return nil, fmt.Errorf("--passphrase-file: %w", err)
		}
		passphrase = trimLineEnd(text)
	}
	return seal.Decrypt(file.Payload.OpenPGP, key, passphrase, a.env.Now())
}

// trimLineEnd takes one line end off, as editors add it.
func trimLineEnd(text []byte) []byte {
	for _, end := range []byte{'\n', '\r'} {
		if n := len(text); n > 0 && text[n-1] == end {
			text = text[:n-1]
		}
	}
	return text
}
