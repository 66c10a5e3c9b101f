package deploy

import (
	"context"
	"time"

	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
	"github.com/e6d26078/slipway/release/rollout"
)

// RolloutConfig is what rollouts act on: Config, and what only they need.
type RolloutConfig struct {
	Config
	Rollouts RolloutStore
	Objects  Lister
	// Routers are those that an operator can choose from.
	Routers []derive.Router
	// Sampler takes measurements; nil if no metrics are asked for.
	Sampler Sampler
	// Changed, if not nil, is told of each state that was stored, in order.
	Changed func(before, after *rollout.State)
}

// RolloutStore keeps the state of rollouts, one for each release, in one namespace.
type RolloutStore interface {
	// State reads the state of a release's rollout, or returns release.ErrNotFound.
	State(ctx context.Context, name string) (*StoredRollout, error)
	// Save creates the state if its Token is empty (release.ErrExists if there
	// is one), else it replaces it if it is still the one that Token names
	// (release.ErrConflict if not), and sets the new Token.
	Save(ctx context.Context, s *StoredRollout) error
	// Delete removes the state and the target. That they are gone is no error.
	Delete(ctx context.Context, name string) error
	// Freeze keeps the target of a rollout, Target reads it back.
	Freeze(ctx context.Context, name, id string, target []byte) error
	Target(ctx context.Context, name, id string) ([]byte, error)
	// List reads all states of the namespace, "" for all namespaces.
	List(ctx context.Context, namespace string) ([]StoredRollout, error)
}

// StoredRollout is a state as a store holds it.
type StoredRollout struct {
	State rollout.State
	Token string
}

// Lister reads objects by kind, and scales workloads.
type Lister interface {
	// Scale sets how many pods a workload has, as an autoscaler does: the number
	// is not part of what is applied.
	Scale(ctx context.Context, ref manifest.Ref, replicas int) error
	// List returns the objects of a kind in a namespace whose labels match a
	// selector in Kubernetes' notation ("" for all). A kind that is not served has none.
	List(ctx context.Context, apiVersion, kind, namespace, selector string) ([]Live, error)
}

// Sampler takes one measurement.
type Sampler interface {
	// Sample measures once. An error that is about the source is part of the measurement.
	Sample(ctx context.Context, metric rollout.Metric, subject Subject) rollout.Measurement
}

// Subject is what is measured.
type Subject struct {
	Release, Namespace string
	Revision, Step     int
	Weight             int
	Operation          string // id
	// Canary and Stable are the live pods of both sides.
	Canary, Stable []Live
	// Test runs the target's test hooks.
	Test func(ctx context.Context) error
}

// StartOptions choose how a rollout goes.
type StartOptions struct {
	UpgradeOptions
	rollout.Settings
	Steps      []rollout.Step   // without Counts; nil is the strategy's own
	Gate       rollout.GateMode // what ends the strategy's own steps
	Tolerance  int              // points by which a weight may be missed; 0 means 5
	Surge      int              // pods that a workload may have beside its own, in per cent; 0 means 100
	Derive     derive.Options
	Actor      rollout.Actor
	ExpectPlan string // digest; another one is refused
}

// PromoteOptions choose how a rollout goes on.
type PromoteOptions struct {
	Full       bool // to the end, without further gates
	FromStep   int  // refuse unless the rollout is at this step, counted from 1; 0 does not care
	ExpectPlan string
	Actor      rollout.Actor
	// KeepLive and UseFrozen say what to do about configuration that somebody
	// changed since the rollout was planned: keep it, or overwrite it.
	KeepLive, UseFrozen bool
	Timeout             time.Duration // of each wait; 0 means 5 minutes
	HistoryMax          int
}

// AbortOptions choose how a rollout is taken back.
type AbortOptions struct {
	// Owner, if set, is the only one whose rollout is taken back.
	Owner   string
	Reason  string
	Actor   rollout.Actor
	Timeout time.Duration
}

// RolloutResult is where a rollout is when an operation returns.
type RolloutResult struct {
	State *rollout.State
	// Plan is derived; with a dry run it is all there is besides Upgrade.
	Plan    *derive.Plan
	Steps   []rollout.Step
	Digest  string
	Upgrade *plan.Plan // what the promotion will change; nil unless asked
	// Objects are the canary's, for a dry run.
	Objects []manifest.Object
}

// RolloutStatus is what is live of a rollout.
type RolloutStatus struct {
	State     *rollout.State   `json:"state"`
	Plan      *derive.Plan     `json:"plan"`
	Workloads []WorkloadStatus `json:"workloads"`
	Services  []ServiceStatus  `json:"services"`
	// Bypassed says how somebody else went on with the release meanwhile, "" if nobody did.
	Bypassed string `json:"bypassed,omitempty"`
	Next     string `json:"next"` // command, without the program's name
}

// WorkloadStatus are the pods of a workload.
type WorkloadStatus struct {
	Workload string       `json:"workload"`
	Sides    []SideStatus `json:"sides"`    // stable, then canary
	Achieved float64      `json:"achieved"` // per cent of ready pods that are the canary's
}

// SideStatus are the pods of one side.
type SideStatus struct {
	Side  rollout.Side `json:"side"`
	Name  string       `json:"name"` // of the Deployment or StatefulSet
	Hash  string       `json:"hash,omitempty"`
	Pods  int          `json:"pods"`
	Ready int          `json:"ready"`
}

// ServiceStatus are a Service's endpoints.
type ServiceStatus struct {
	Service string  `json:"service"`
	Stable  int     `json:"stable"` // ready endpoints
	Canary  int     `json:"canary"`
	Weight  float64 `json:"weight"` // per cent of traffic for the canary, as far as is known
	By      string  `json:"by"`     // pods, pin or the router's name
}
