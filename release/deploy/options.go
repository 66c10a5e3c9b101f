package deploy

import (
	"context"
	"time"

	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// DryRun says how far an operation goes.
type DryRun int

// The ways to run an operation.
const (
	// NoDryRun does it.
	NoDryRun DryRun = iota
	// ClientDryRun renders, and asks no cluster.
	ClientDryRun
	// ServerDryRun renders with what the cluster answers and checks what can be
	// checked without changing anything.
	ServerDryRun
)

// CRDMode says what happens to the objects in the chart's crds folders.
type CRDMode int

// What can happen to CustomResourceDefinitions.
const (
	// CreateCRDs creates those that are missing when a release is installed, as Helm does.
	CreateCRDs CRDMode = iota
	// ApplyCRDs creates and updates them, on upgrades too. A version in which
	// objects are stored is never dropped. Definitions that a chart of Helm 2 has as crd-install hooks count as well.
	ApplyCRDs
	// PlanCRDs changes none, and reports what ApplyCRDs would do.
	PlanCRDs
	// SkipCRDs leaves them alone.
	SkipCRDs
)

// RenderOptions choose how a chart is rendered. The zero value is Helm
// v3.22.0's way.
type RenderOptions struct {
	Compat     engine.Compat
	SkipSchema bool
	Strict     bool
	EnableDNS  bool
	// SubchartNotes adds the notes of subcharts.
	SubchartNotes bool
	// LoadSchema is that of engine.Options.
	LoadSchema func(url string) ([]byte, error)
	// PostRender, if not nil, rewrites the manifest. Hooks are not handed to it.
	PostRender func(ctx context.Context, manifest string) (string, error)
	// Helm2Hooks runs test-failure hooks of Helm 2 with the tests; they are expected to fail.
	Helm2Hooks bool
	// RestartOnConfigChange restarts the pods of workloads that use a ConfigMap
	// or Secret of the release when its content changes: their pod templates
	// get an annotation with the digest of it.
	RestartOnConfigChange bool
}

// ChangeOptions are shared by the operations that apply objects. The zero
// value applies and does not wait.
type ChangeOptions struct {
	DryRun DryRun
	// NoHooks runs no hooks.
	NoHooks bool
	// Wait returns only when everything is ready; WaitForJobs includes Jobs.
	Wait, WaitForJobs bool
	// Timeout bounds each wait: for a hook, and for everything to be ready. 0 means 5 minutes.
	Timeout time.Duration
	// Settle is that of WaitOptions.
	Settle time.Duration
	// Force replaces objects, so that what others set in them is lost, and recreates
	// those of which an immutable field changes.
	Force bool
	// Recreate deletes and creates objects of which an immutable field changes.
	Recreate bool
	// TakeOwnership adopts objects that exist and belong to nobody or to somebody else.
	TakeOwnership bool
	// TakeConflicts takes fields from other field managers.
	TakeConflicts bool
	// Atomic takes the changes back if the operation fails. It implies Wait.
	Atomic bool
	// CleanupOnFail deletes what a failed operation has created.
	CleanupOnFail bool
	// CreateNamespace creates the namespace of the release if it is not there.
	CreateNamespace bool
	// Description replaces the usual one of the record.
	Description string
	// Labels are custom labels of the record; "null" as a value removes one that an earlier revision had.
	Labels map[string]string
	// HistoryMax is how many revisions are kept; 0 keeps all.
	HistoryMax int
	CRDs       CRDMode
}

func (o *ChangeOptions) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 5 * time.Minute
}

// SourcedRef is an object and the template it comes from.
type SourcedRef struct {
	Ref    manifest.Ref
	Source string
}
