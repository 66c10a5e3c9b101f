package release

import (
	"errors"
	"time"

	helm "helm.sh/helm/v3/pkg/release"
)

// Errors of stores, to be told apart with errors.Is.
var (
	ErrNotFound = errors.New("release: not found")
	ErrExists   = errors.New("release: already exists")
	ErrConflict = errors.New("release: somebody else has changed the record")
)

// Status is the state of a revision, as Helm spells it.
type Status = helm.Status

// The states of a revision.
const (
	StatusUnknown         = helm.StatusUnknown
	StatusDeployed        = helm.StatusDeployed
	StatusUninstalled     = helm.StatusUninstalled
	StatusSuperseded      = helm.StatusSuperseded
	StatusFailed          = helm.StatusFailed
	StatusUninstalling    = helm.StatusUninstalling
	StatusPendingInstall  = helm.StatusPendingInstall
	StatusPendingUpgrade  = helm.StatusPendingUpgrade
	StatusPendingRollback = helm.StatusPendingRollback
)

// Record is one revision of a release as Helm stores it. Fields of a stored
// record that are not known here are kept and written back where they were.
type Record struct {
	*helm.Release
	// ApplyMethod says how objects were written: "ssa" for server-side apply,
	// "csa" or "" for Helm 3's way. It is a field of Helm 4's records.
	ApplyMethod string
	// Operation is what slipway knows of who wrote the revision; nil for a record of Helm's.
	Operation *Operation
	// Token is what a store compares before it replaces the record; "" for one that is not stored.
	Token string
	// CreatedAt and ModifiedAt are when a store first and last wrote the
	// record, by its clock and in whole seconds; zero if not known.
	CreatedAt, ModifiedAt time.Time

	unknown *unknown // fields of the JSON that Release does not have
	tight   bool     // compress as well as possible, see Fit
}

// Operation is the run of a command that wrote a revision.
type Operation struct {
	ID     string `json:"id"`
	Kind   string `json:"kind,omitempty"`   // install, upgrade, rollback, uninstall
	Owner  string `json:"owner,omitempty"`  // who may go on with it at once
	Inputs string `json:"inputs,omitempty"` // digest of everything that decides the result
	// Hooks is the ledger of the hooks that the operation has run: "event/path/name" to the phase it is in.
	Hooks map[string]string `json:"hooks,omitempty"`
	Audit
}

// Audit is what is recorded about a revision for people who ask later.
type Audit struct {
	Actor       string   `json:"actor,omitempty"`
	Approver    string   `json:"approver,omitempty"`
	BuildURL    string   `json:"buildURL,omitempty"`
	Commit      string   `json:"commit,omitempty"`
	Reason      string   `json:"reason,omitempty"`
	PlanDigest  string   `json:"planDigest,omitempty"`
	ChartDigest string   `json:"chartDigest,omitempty"`
	Images      []string `json:"images,omitempty"`
}

// Meta is what a listing knows of a revision without reading the record.
type Meta struct {
	Name, Namespace       string
	Version               int
	Status                Status
	CreatedAt, ModifiedAt time.Time         // zero if not known
	Labels                map[string]string // custom labels
	Operation             *Operation        // nil for a record of Helm's
	Chart, AppVersion     string            // name-version and app version; "" for a record of Helm's
	Token                 string
}
