package deploy_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// newRolloutConfig is a deploy.RolloutConfig on a real API server.
func newRolloutConfig(rc *rest.Config, namespace string, lease time.Duration) (deploy.RolloutConfig, error) {
	config, err := newConfig(rc, namespace, lease)
	if err != nil {
		return deploy.RolloutConfig{}, err
	}
	client := config.Cluster.(*cluster.Client)
	return deploy.RolloutConfig{
		Config:   config,
		Rollouts: cluster.NewRollouts(client.Kubernetes(), namespace, time.Now),
		Objects:  client,
	}, nil
}

// fleet loads the chart that is launched in steps.
func fleet(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := chart.Load("../../testdata/charts/fleet")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// quick are the options of a rollout in a test.
func quick(strategy rollout.Strategy, weights ...int) deploy.StartOptions {
	options := deploy.StartOptions{Settings: rollout.Settings{Strategy: strategy, Settle: 100 * time.Millisecond}}
	options.Timeout = time.Minute
	for _, w := range weights {
		options.Steps = append(options.Steps, rollout.Step{Weight: w})
	}
	return options
}

func TestARolloutIsPromoted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		options  deploy.StartOptions
		promotes int
	}{
		{"canary", quick(rollout.Canary, 20, 50), 2},
		{"blue-green", quick(rollout.BlueGreen), 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := clustertest.Shared(t)
			namespace := c.Namespace(t)
			config, err := newRolloutConfig(c.RESTConfig(t), namespace, 0)
			if err != nil {
				t.Fatal(err)
			}
			config.Observe = func(n deploy.Notice) {
				t.Logf("%s %s %s %s", n.Step, n.Ref, n.Action, n.Message)
			}
			values := map[string]any{"deployments": map[string]any{"web": 4}}
			if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), values, deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{Wait: true}}); err != nil {
				t.Fatal(err)
			}
			values = map[string]any{"deployments": map[string]any{"web": 4}, "version": "2"}
			result, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, test.options)
			if err != nil {
				t.Fatal(err)
			}
			for range test.promotes {
				if result.State.Phase != rollout.Gate {
					t.Fatalf("it is %s", result.State.Phase)
				}
				status, err := deploy.StatusOfRollout(background, config, "fleet")
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v %+v", status.Workloads, status.Services)
				if result, err = deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if result.State.Phase != rollout.Done {
				t.Fatalf("it is %s", result.State.Phase)
			}
			history, err := config.Store.History(background, "fleet")
			if err != nil {
				t.Fatal(err)
			}
			if history[0].Status != release.StatusSuperseded || history[1].Status != release.StatusDeployed {
				t.Errorf("%+v", history)
			}
		})
	}
}

func TestARolloutWithoutHooksRunsNone(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	config, err := newRolloutConfig(c.RESTConfig(t), c.Namespace(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"hooks": true}
	change := deploy.ChangeOptions{Wait: true, NoHooks: true}
	if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), values, deploy.InstallOptions{ChangeOptions: change}); err != nil {
		t.Fatal(err)
	}
	for _, without := range []bool{true, false} {
		options := quick(rollout.Canary, 50)
		options.NoHooks, options.Hooks = without, rollout.AtStart
		values := map[string]any{"hooks": true, "version": fmt.Sprint("2-", without)}
		if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, options); err != nil {
			t.Fatal(err)
		}
		if _, err := deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{}); err != nil {
			t.Fatal(err)
		}
		jobs, err := config.Objects.List(background, "batch/v1", "Job", config.Namespace, "")
		if err != nil {
			t.Fatal(err)
		}
		if (len(jobs) == 0) != without {
			t.Errorf("without hooks: %v, and there are %d Jobs", without, len(jobs))
		}
	}
}

func TestAnotherRolloutHasToWait(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	config, err := newRolloutConfig(c.RESTConfig(t), c.Namespace(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	config.Audit.Actor = "anna"
	start := func(version string) (*deploy.RolloutResult, error) {
		values := map[string]any{"deployments": map[string]any{"web": 2}, "version": version}
		options := quick(rollout.Canary, 50)
		options.Description = "what it is for"
		return deploy.StartRollout(background, config, "fleet", fleet(t), values, options)
	}
	if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), nil, deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{Wait: true}}); err != nil {
		t.Fatal(err)
	}
	begun, err := start("2")
	if err != nil {
		t.Fatal(err)
	}
	again, err := start("2")
	if err != nil || again.State.ID != begun.State.ID || again.State.Phase != rollout.Gate {
		t.Errorf("the same start: %v, %v", again.State, err)
	}
	_, err = start("3")
	var failure *deploy.Error
	if !errors.As(err, &failure) || failure.Outcome != deploy.Locked {
		t.Errorf("another start: %v", err)
	}
	config.Audit.Actor = "bert"
	if _, err := deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{Actor: rollout.Actor{Name: "bert"}}); err != nil {
		t.Fatal(err)
	}
	history, err := config.Store.History(background, "fleet")
	if err != nil {
		t.Fatal(err)
	}
	if by := history[1].Operation; by.Actor != "anna" || by.Approver != "bert" || by.ChartDigest == "" || by.PlanDigest != begun.State.PlanDigest {
		t.Errorf("%+v", by)
	}
	record, err := config.Store.Get(background, "fleet", 2)
	if err != nil || record.Info.Description != "what it is for" {
		t.Errorf("%v, %v", record.Info.Description, err)
	}
}

func TestARolloutIsTakenBack(t *testing.T) {
	t.Parallel()
	c := clustertest.Shared(t)
	namespace := c.Namespace(t)
	config, err := newRolloutConfig(c.RESTConfig(t), namespace, 0)
	if err != nil {
		t.Fatal(err)
	}
	config.Observe = func(n deploy.Notice) { t.Logf("%s %s %s %s", n.Step, n.Ref, n.Action, n.Message) }
	values := map[string]any{"deployments": map[string]any{"web": 4}}
	if _, err := deploy.Install(background, config.Config, "fleet", fleet(t), values, deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{Wait: true}}); err != nil {
		t.Fatal(err)
	}
	values["version"] = "2"
	if _, err := deploy.StartRollout(background, config, "fleet", fleet(t), values, quick(rollout.BlueGreen)); err != nil {
		t.Fatal(err)
	}
	if _, err := deploy.PromoteRollout(background, config, "fleet", deploy.PromoteOptions{}); err != nil {
		t.Fatal(err)
	}
	result, err := deploy.AbortRollout(background, config, "fleet", deploy.AbortOptions{Reason: "it is a test"})
	if err != nil {
		t.Fatal(err)
	}
	if result.State.Phase != rollout.Aborted {
		t.Errorf("it is %s", result.State.Phase)
	}
	record, err := config.Store.Get(background, "fleet", 2)
	if err != nil {
		t.Fatal(err)
	}
	if record.Info.Status != release.StatusFailed || record.Info.Description != "blue-green was taken back: it is a test" {
		t.Errorf("%s: %s", record.Info.Status, record.Info.Description)
	}
	if _, err := config.Rollouts.State(background, "fleet"); err == nil {
		t.Error("the state of the rollout is there still")
	}
}
