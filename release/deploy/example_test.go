package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/cluster"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/plan"
)

// connect is how a program gets what operations act on.
func connect(namespace string) (deploy.Config, error) {
	client, err := cluster.Connect(cluster.ConnectOptions{Namespace: namespace}, cluster.Options{})
	if err != nil {
		return deploy.Config{}, err
	}
	records, err := cluster.NewSecrets(client.Kubernetes(), client.Metadata(), namespace, time.Now)
	if err != nil {
		return deploy.Config{}, err
	}
	locks, err := cluster.NewLeases(client.Kubernetes(), namespace, cluster.LeaseOptions{})
	if err != nil {
		return deploy.Config{}, err
	}
	return deploy.Config{
		Cluster: client, Store: records, Locker: locks, Namespace: namespace,
		Clock: time.Now, NewID: newID,
		Owner: os.Getenv("BUILD_TAG"), // a retry of the same build takes over at once
		Audit: release.Audit{Actor: "ci", Reason: "nightly"},
		Observe: func(n deploy.Notice) {
			fmt.Println(n.Step, n.Action, n.Ref, n.Message)
		},
	}, nil
}

func ExampleUpgrade() {
	ctx := context.Background()
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	c, err := chart.Load("mychart")
	if err != nil {
		log.Fatal(err)
	}
	result, err := deploy.Upgrade(ctx, config, "web", c, map[string]any{"replicas": 3}, deploy.UpgradeOptions{
		Install:       true,
		ChangeOptions: deploy.ChangeOptions{Wait: true, Atomic: true, HistoryMax: 10},
	})
	var failure *deploy.Error
	if errors.As(err, &failure) && failure.Outcome == deploy.Locked {
		log.Fatal("somebody else is at work on it: ", err)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("revision", result.Record.Version, "is deployed")
}

func ExampleInstall() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	c, err := chart.Load("mychart")
	if err != nil {
		log.Fatal(err)
	}
	options := deploy.InstallOptions{ChangeOptions: deploy.ChangeOptions{CreateNamespace: true}}
	if _, err := deploy.Install(context.Background(), config, "web", c, nil, options); err != nil {
		log.Fatal(err)
	}
}

// A server-side dry run gives the plan, and what Apply needs to carry it out later.
func ExampleApply() {
	ctx := context.Background()
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	c, err := chart.Load("mychart")
	if err != nil {
		log.Fatal(err)
	}
	dryRun := deploy.UpgradeOptions{ChangeOptions: deploy.ChangeOptions{DryRun: deploy.ServerDryRun}}
	planned, err := deploy.Upgrade(ctx, config, "web", c, nil, dryRun)
	if err != nil {
		log.Fatal(err)
	}
	if err := planned.Plan.Text(os.Stdout, plan.TextOptions{}); err != nil {
		log.Fatal(err)
	}
	// Once it is approved:
	_, err = deploy.Apply(ctx, config, planned.Frozen, deploy.ApplyPlanOptions{Wait: true})
	var moved *deploy.MovedError
	if errors.As(err, &moved) {
		log.Fatal("plan again: ", moved)
	}
}

func ExampleRollback() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := deploy.Rollback(context.Background(), config, "web", deploy.RollbackOptions{Revision: 3}); err != nil {
		log.Fatal(err)
	}
}

func ExampleUninstall() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	result, err := deploy.Uninstall(context.Background(), config, "web", deploy.UninstallOptions{Wait: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left in the cluster:", result.Kept)
}

func ExampleTest() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	_, err = deploy.Test(context.Background(), config, "web", deploy.TestOptions{Timeout: time.Minute})
	var failed *deploy.HookFailedError
	if errors.As(err, &failed) {
		fmt.Println(failed.Ref, failed.Message, failed.Detail)
	}
}

func ExampleDrift() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	drifts, err := deploy.Drift(context.Background(), config, "web")
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range drifts.Objects {
		fmt.Println(o.Ref, o.State)
	}
}

func ExampleRecover() {
	config, err := connect("prod")
	if err != nil {
		log.Fatal(err)
	}
	found, err := deploy.Recover(context.Background(), config, "web", deploy.RecoverOptions{})
	if err != nil {
		log.Fatal(err)
	}
	if found.Revision > 0 {
		fmt.Printf("revision %d is %s, and would be marked as %s\n", found.Revision, found.Status, found.Becomes)
	}
}
