package plan

import "github.com/e6d26078/slipway/release/manifest"

// Operation is what a plan is made for.
type Operation string

// The operations.
const (
	Install   Operation = "install"
	Upgrade   Operation = "upgrade"
	Rollback  Operation = "rollback"
	Uninstall Operation = "uninstall"
)

// Action is what happens to an object.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Adopt     Action = "adopt"    // an update of an object that was not part of the release
	Recreate  Action = "recreate" // deleted and created, for a field that cannot be changed
	Delete    Action = "delete"
	Keep      Action = "keep"      // part of the release no more, but left alone
	Unchanged Action = "unchanged" // as it should be
	Refused   Action = "refused"   // cannot be done: Change.Problem says why
)

// Input is what a plan is computed from. References must have been resolved:
// namespaced objects name their namespace, others none. Objects are as
// rendered, without the metadata that [Own] adds. Nothing in it is changed.
type Input struct {
	Release, Namespace string
	Revision           int // the one to be written
	Operation          Operation

	Last      []manifest.Object // of the last deployed revision
	Attempted []manifest.Object // of failed and interrupted revisions after that
	Wanted    []manifest.Object // of the revision to be written; none for Uninstall
	CRDs      []manifest.Object // from the charts' crds folders
	// Moved are in a crds folder of the wanted revision, and stay if Last has
	// them: all objects of their kinds would go with them. #DIFFERS Helm deletes
	// them, and does not create them again.
	Moved []manifest.Ref
	Hooks []manifest.Hook // of the wanted revision, or for Uninstall of the last

	// Live has the objects that exist, in the version that the reference names.
	Live map[manifest.Ref]map[string]any
	// Applied has what a server-side dry run made of wanted objects. May be nil
	// or lack objects: then field changes are estimated.
	Applied map[manifest.Ref]map[string]any
	// Problems are what is already known to stand in the way, such as a refused dry run.
	Problems map[manifest.Ref]Problem

	TakeOwnership bool // adopt objects that belong to somebody else
	Force         bool // recreate objects whose change touches immutable fields
	ApplyCRDs     bool // update CRDs that exist; else they are only created
}

// Plan is what an operation does, in the order in which it does it.
type Plan struct {
	Release, Namespace string
	Revision           int
	Operation          Operation
	Changes            []Change
	Hooks              []Hook
}

// Change is what happens to one object.
type Change struct {
	Action Action       `json:"action"`
	Ref    manifest.Ref `json:"object"`
	Source string       `json:"source,omitempty"` // template
	// CRD marks objects of crds folders. They come first and belong to no release.
	CRD bool `json:"crd,omitempty"`
	// Fields are the changes of Update, Adopt and Recreate, with secrets masked.
	Fields []FieldChange `json:"fields,omitempty"`
	// Estimated is set if Fields were found without a dry run.
	Estimated bool `json:"estimated,omitempty"`
	// Send tells whether a request is needed. It is set for some objects that
	// are Unchanged: those whose document has changed without an effect.
	Send      bool      `json:"send,omitempty"`
	Reason    string    `json:"reason,omitempty"` // why it is done, "" if that is plain
	Ownership Ownership `json:"ownership"`
	Owner     *Owner    `json:"owner,omitempty"` // who else it belongs to, if Foreign
	Problem   *Problem  `json:"problem,omitempty"`

	// Object is what has to be sent, with the metadata of [Own]; for objects
	// that are not wanted what the last manifest had. Not part of a plan file.
	Object manifest.Object `json:"-"`

	liveState string // uid and resource version
}

// Hook is a hook that will run.
type Hook struct {
	Event          manifest.Event          `json:"event"`
	Kind           string                  `json:"kind"`
	Name           string                  `json:"name"`
	Source         string                  `json:"source,omitempty"`
	Weight         int                     `json:"weight"`
	DeletePolicies []manifest.DeletePolicy `json:"deletePolicies,omitempty"`
}

// ProblemKind is a class of problems.
type ProblemKind string

// The kinds of problems.
const (
	ForeignProblem   ProblemKind = "foreign"   // the object belongs to somebody else
	ImmutableProblem ProblemKind = "immutable" // fields that cannot be changed
	ConflictProblem  ProblemKind = "conflict"  // fields that other field managers hold
	ForbiddenProblem ProblemKind = "forbidden" // no permission
	RejectedProblem  ProblemKind = "rejected"  // the server, a quota or a webhook refuses it
	UnknownProblem   ProblemKind = "unknown"   // the server does not know the kind
)

// Problem is why an object cannot be changed as wanted.
type Problem struct {
	Kind      ProblemKind `json:"kind"`
	Message   string      `json:"message"`
	Fields    []string    `json:"fields,omitempty"`    // of ImmutableProblem
	Conflicts []Conflict  `json:"conflicts,omitempty"` // of ConflictProblem
}

// Conflict is a field and the manager that holds it.
type Conflict struct {
	Manager string `json:"manager"`
	Field   string `json:"field"`
}

// Summary counts the changes of a plan.
type Summary struct {
	Create    int `json:"create"`
	Update    int `json:"update"` // adopted objects included
	Recreate  int `json:"recreate"`
	Delete    int `json:"delete"`
	Keep      int `json:"keep"`
	Unchanged int `json:"unchanged"`
	Refused   int `json:"refused"`
}

// Summary counts the changes by action.
func (p *Plan) Summary() Summary { return summarise(p.Changes) }

func summarise(changes []Change) Summary {
	var s Summary
	for i := range changes {
		switch changes[i].Action {
		case Create:
			s.Create++
		case Update, Adopt:
			s.Update++
		case Recreate:
			s.Recreate++
		case Delete:
			s.Delete++
		case Keep:
			s.Keep++
		case Refused:
			s.Refused++
		default:
			s.Unchanged++
		}
	}
	return s
}

// Empty reports whether the plan changes no object. Hooks may run all the same.
func (p *Plan) Empty() bool {
	s := p.Summary()
	return s.Create+s.Update+s.Recreate+s.Delete+s.Refused == 0
}

// Refused returns the changes that cannot be done. A plan that has some must
// not be executed.
func (p *Plan) Refused() []Change {
	var refused []Change
	for i := range p.Changes {
		if p.Changes[i].Action == Refused {
			refused = append(refused, p.Changes[i])
		}
	}
	return refused
}
