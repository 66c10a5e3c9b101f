package rollout

import (
	"encoding/json"
	"time"
)

// Strategy is how a release is launched.
type Strategy string

// The strategies.
const (
	// Canary lets the new version serve a growing share.
	Canary Strategy = "canary"
	// BlueGreen brings the new version up in full beside the old one, which
	// serves alone until all traffic is switched in one write.
	BlueGreen Strategy = "blue-green"
)

// Phase is what a rollout is doing, or waits for. The state diagram is in
// README.md beside this file.
type Phase string

// The phases, in the order of a rollout that goes well. Those of a step come
// once for each step.
const (
	Planned    Phase = "planned"    // stored; nothing in the cluster has changed
	Preparing  Phase = "preparing"  // hooks that run at the start; objects that both sides need
	Pinning    Phase = "pinning"    // Services select the stable side only, which is paused
	Scaling    Phase = "scaling"    // the canary has the pods of the step, and they are ready
	Shifting   Phase = "shifting"   // traffic has the weight of the step, and has settled
	Verifying  Phase = "verifying"  // measurements
	Gate       Phase = "gate"       // waits for a person, a time or a schedule
	Committing Phase = "committing" // from here on there is no abort; hooks that run at promotion
	Templating Phase = "templating" // everything is as the target says, but the stable side is paused and Services select the canary
	Adopting   Phase = "adopting"   // clones that can be adopted are deleted without their pods
	Resuming   Phase = "resuming"   // the stable side runs, adopts or rolls, and is ready
	Unpinning  Phase = "unpinning"  // Services are as the target says
	Cleaning   Phase = "cleaning"   // the remaining clones and copies go, then the hooks of the end, then what is no longer wanted
	Done       Phase = "done"

	Lowering  Phase = "lowering"  // one step back: traffic first
	Returning Phase = "returning" // abort: traffic goes back to the stable side
	Clearing  Phase = "clearing"  // abort: the canary goes
	Restoring Phase = "restoring" // abort: everything is as it was
	Aborted   Phase = "aborted"
)

// GateMode says what ends a step.
type GateMode string

// What can end a step.
const (
	Manual GateMode = "manual" // a person, by the command promote; the zero value means the same
	Auto   GateMode = "auto"   // good measurements and the pause alone
)

// Step is one share of traffic that the canary is given.
type Step struct {
	Weight int           `json:"weight"` // per cent, 0 to 100
	Gate   GateMode      `json:"gate,omitempty"`
	Pause  time.Duration `json:"pause,omitempty"` // at least so long at this weight
	// Counts are the pods of both sides by workload, worked out when the rollout
	// was planned. A workload that is not in it has all its canary pods.
	Counts map[string]Split `json:"counts,omitempty"`
	// Implied marks the step to 100 that was not asked for: it has no gate and no measurements.
	Implied bool `json:"implied,omitempty"`
}

// Split is how many pods each side of a workload has.
type Split struct {
	Stable int `json:"stable"`
	Canary int `json:"canary"`
}

// HookTime says when the chart's pre-upgrade hooks run.
type HookTime string

// When pre-upgrade hooks can run.
const (
	NoHooks   HookTime = ""
	AtStart   HookTime = "at-start"
	AtPromote HookTime = "at-promote"
)

// Settings are what a rollout was started with and does not change.
type Settings struct {
	Strategy Strategy `json:"strategy"`
	// Pinned says that Services select the stable side only from the start:
	// blue-green, and every canary whose traffic a router divides.
	Pinned bool `json:"pinned,omitempty"`
	// Total shrinks the stable side by what the canary has.
	Total bool     `json:"total,omitempty"`
	Hooks HookTime `json:"hooks,omitempty"`
	// WithoutHooks runs none of the chart's hooks, at no time.
	WithoutHooks bool          `json:"withoutHooks,omitempty"`
	Settle       time.Duration `json:"settle,omitempty"`  // after traffic was moved, before what lost it goes
	GateFor      time.Duration `json:"gateFor,omitempty"` // how long a gate may wait; guard aborts after that. 0 means for ever
	// AbortOnFailure takes a rollout back at once when a measurement fails or a
	// canary does not become ready. Else it stays where it is.
	AbortOnFailure bool     `json:"abortOnFailure,omitempty"`
	Metrics        []Metric `json:"metrics,omitempty"`
	// Approvers are the names of those who may pass gates, empty for anybody.
	Approvers []string `json:"approvers,omitempty"`
	// FourEyes: who has started the rollout does not pass its gates.
	FourEyes bool `json:"fourEyes,omitempty"`
}

// Actor is who does something, as far as is known.
type Actor struct {
	Name  string `json:"name,omitempty"`
	Owner string `json:"owner,omitempty"` // the run of a pipeline
	Build string `json:"build,omitempty"` // its URL
}

// Entry is one line of a rollout's journal.
type Entry struct {
	At     time.Time `json:"at"`
	Phase  Phase     `json:"phase"`
	Step   int       `json:"step"`
	What   string    `json:"what"` // a sentence
	Actor  Actor     `json:"actor,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// State is everything that a rollout has to remember between two processes.
// It is a value: Next returns a changed copy. Its JSON is what is stored.
type State struct {
	Format    int      `json:"format"` // of this structure: 1
	ID        string   `json:"id"`     // of the operation, as in the release's record
	Release   string   `json:"release"`
	Namespace string   `json:"namespace"`
	Base      int      `json:"base"`     // the revision that is stable
	Revision  int      `json:"revision"` // the one that is rolled out
	Settings  Settings `json:"settings"`
	Steps     []Step   `json:"steps"` // the last one has weight 100
	Phase     Phase    `json:"phase"`
	Step      int      `json:"step"` // index of the step that is taken, or was reached
	// Committed: the canary serves alone and the base is given up.
	Committed bool `json:"committed,omitempty"`
	// Failure is why the rollout stopped, "" while it goes well. With Committed
	// it is stuck: the canary serves, and stays until promote gets through. Where
	// it is taken back, or was, it is why; "" means that a person asked for it.
	Failure string `json:"failure,omitempty"`
	// Inconclusive: measurements stopped the rollout that are neither good nor bad.
	Inconclusive bool `json:"inconclusive,omitempty"`
	// AllTraffic: Services have been pinned to the canary, and not back since.
	AllTraffic bool `json:"allTraffic,omitempty"`
	// Pins is whether Services have been pinned to the stable side or the canary.
	Pins bool `json:"pins,omitempty"`
	// Back: an undo is on its way to the gate of the step before, whose
	// measurements are not taken again.
	Back      bool      `json:"back,omitempty"`
	EnteredAt time.Time `json:"enteredAt"`          // the phase
	ReachedAt time.Time `json:"reachedAt,omitzero"` // the weight of the step; its pause counts from here
	Deadline  time.Time `json:"deadline,omitzero"`  // of a person's decision; guard aborts after it
	GuardedAt time.Time `json:"guardedAt,omitzero"`
	Starter   Actor     `json:"starter"`
	Approver  Actor     `json:"approver,omitzero"` // who promoted last
	Runs      []Run     `json:"runs,omitempty"`    // of measurements at this step
	Journal   []Entry   `json:"journal,omitempty"` // the newest 200

	// What the machine does not look at.
	PlanDigest   string            `json:"planDigest,omitempty"`
	TargetDigest string            `json:"targetDigest,omitempty"`
	Derived      json.RawMessage   `json:"derived,omitempty"`  // derive.Plan
	Hashes       map[string]Hashes `json:"hashes,omitempty"`   // by workload
	Replicas     map[string]int    `json:"replicas,omitempty"` // of the side that a scaler changes, by workload
	Hooks        map[string]string `json:"hooks,omitempty"`    // ledger
	Config       map[string]string `json:"config,omitempty"`   // digests of live ConfigMaps and Secrets when it was planned
	Notes        []string          `json:"notes,omitempty"`    // warnings of the plan
}

// Hashes are the pod-template-hash labels of a workload's two sides, "" while unknown.
type Hashes struct {
	Stable string `json:"stable,omitempty"`
	Canary string `json:"canary,omitempty"`
}

// Side is one of the two versions.
type Side string

// The sides. The zero value is neither.
const (
	Stable     Side = "stable"
	CanarySide Side = "canary"
)

// View is what should be live: what a phase asks of the cluster. The zero
// value is the base, untouched.
type View struct {
	// Early: objects that are new in the target, copies of configuration, rights of both sides.
	Early bool
	// Clones: the canary's Deployments, and the canary pods of StatefulSets.
	Clones bool
	// Adopted: clones that can be adopted are gone, their pods stay.
	Adopted bool
	// Step and its Counts: the pods of both sides. Full: the canary has all of them.
	Counts map[string]Split
	Full   bool
	// Paused: stable Deployments do not act on their template.
	Paused bool
	// Pin: the side that Services select by pod-template-hash, "" for both.
	Pin Side
	// Routed: routes carry the canary with Weight per cent.
	Routed bool
	Weight int
	// Preview: the canary has Services of its own.
	Preview bool
	// Scaler: what the autoscalers of cloned workloads are made to do.
	Scaler Scaler
	// Target: everything that this View does not say is as the target has it, else as the base has it.
	Target bool
	// Prune: objects that the target does not have are gone.
	Prune bool
}

// Scaler is what an autoscaler is made to do.
type Scaler string

// What an autoscaler can be made to do.
const (
	ScalerAsIs  Scaler = ""      // what base or target say
	ScalerFloor Scaler = "floor" // not below the pods that the ratio was worked out for
	ScalerMoved Scaler = "moved" // it scales the canary
)
