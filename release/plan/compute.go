package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// Compute plans an operation. CRDs come first, then what is wanted in Helm's
// install order, then what goes away in its uninstall order; within one kind
// the order is that of the input. Equal inputs give equal plans.
func Compute(in Input) *Plan {
	c := newComputation(&in)
	p := &Plan{Release: in.Release, Namespace: in.Namespace, Revision: in.Revision, Operation: in.Operation}
	p.Changes = make([]Change, 0, len(in.CRDs)+len(c.wanted)+len(c.former))
	for i := range in.CRDs {
		p.Changes = append(p.Changes, c.crd(in.CRDs[i]))
	}
	for i := range c.wanted {
		p.Changes = append(p.Changes, c.want(&c.wanted[i]))
	}
	for i := range c.former {
		if change, needed := c.drop(c.former[i]); needed {
			p.Changes = append(p.Changes, change)
		}
	}
	for i := range p.Changes {
		c.finish(&p.Changes[i])
	}
	p.Hooks = hooksOf(in.Operation, in.Hooks)
	return p
}

// identity is what makes two references name one object of a release: a
// change of the API version alone is none of the object.
type identity struct{ group, kind, namespace, name string }

func identify(r manifest.Ref) identity { return identity{r.Group(), r.Kind, r.Namespace, r.Name} }

// past is what earlier revisions have of an object.
type past struct {
	deployed, attempted bool
	objects             []manifest.Object
}

type computation struct {
	in     *Input
	past   map[identity]*past
	wanted []manifest.Object // in install order, the last of each identity
	former []manifest.Object // no longer wanted, in uninstall order
	uids   map[string]bool   // of live objects that are wanted
}

func newComputation(in *Input) *computation {
	c := &computation{in: in, past: make(map[identity]*past, len(in.Last)), uids: make(map[string]bool, len(in.Wanted))}
	latest := make(map[identity]int, len(in.Wanted))
	for i := range in.Wanted {
		latest[identify(in.Wanted[i].Ref)] = i
	}
	c.wanted = make([]manifest.Object, 0, len(in.Wanted))
	for i := range in.Wanted {
		if latest[identify(in.Wanted[i].Ref)] == i {
			c.wanted = append(c.wanted, in.Wanted[i])
			if uid := text(at(in.Live[in.Wanted[i].Ref], "metadata", "uid")); uid != "" {
				c.uids[uid] = true
			}
		}
	}
	remember := func(objects []manifest.Object, deployed bool) {
		for i := range objects {
			id := identify(objects[i].Ref)
			known := c.past[id]
			if known == nil {
				known = &past{}
				c.past[id] = known
				if _, isWanted := latest[id]; !isWanted {
					c.former = append(c.former, objects[i])
				}
			}
			known.deployed = known.deployed || deployed
			known.attempted = known.attempted || !deployed
			known.objects = append(known.objects, objects[i])
		}
	}
	remember(in.Last, true)
	remember(in.Attempted, false)
	sortByKind(c.wanted, manifest.Install)
	sortByKind(c.former, manifest.Uninstall)
	return c
}

func sortByKind(objects []manifest.Object, order manifest.Order) {
	slices.SortStableFunc(objects, func(a, b manifest.Object) int {
		return manifest.CompareKinds(a.Kind, b.Kind, order, manifest.Helm3)
	})
}

// crd plans an object of a crds folder.
func (c *computation) crd(o manifest.Object) Change {
	change := Change{Ref: o.Ref, Source: o.Source, CRD: true, Ownership: Absent, Object: o}
	live := c.in.Live[o.Ref]
	switch problem, known := c.in.Problems[o.Ref]; {
	case known:
		change.refuse(problem)
	case live == nil:
		change.Action, change.Send = Create, true
	case !c.in.ApplyCRDs || Holds(live, o.Fields):
		change.Action = Unchanged
	default:
		change.Ownership = Ours
		if lost := lostVersions(live, o.Fields); len(lost) > 0 {
			change.refuse(Problem{Kind: ImmutableProblem, Fields: []string{"spec.versions"},
				Message: "objects are stored in versions that the new definition lacks: " + strings.Join(lost, ", ")})
			return change
		}
		c.update(&change, Update, live, nil)
	}
	if live != nil {
		change.Ownership = Ours
	}
	return change
}

// lostVersions are the versions in which a CustomResourceDefinition has stored
// objects and that the wanted one does not have.
func lostVersions(live, wanted map[string]any) []string {
	versions, _ := at(wanted, "spec", "versions").([]any)
	stored, _ := at(live, "status", "storedVersions").([]any)
	var lost []string
	for _, s := range stored {
		if !slices.ContainsFunc(versions, func(v any) bool {
			version, _ := v.(map[string]any)
			return version["name"] == s
		}) {
			lost = append(lost, text(s))
		}
	}
	return lost
}

// want plans an object of the wanted revision.
func (c *computation) want(o *manifest.Object) Change {
	known := c.past[identify(o.Ref)]
	if known == nil {
		known = &past{}
	}
	live := c.in.Live[o.Ref]
	owned := Own(*o, c.in.Release, c.in.Namespace)
	change := Change{Ref: o.Ref, Source: o.Source, Ownership: Absent, Object: owned}
	if o.Name == "" {
		change.refuse(Problem{Kind: RejectedProblem, Message: "it has no name"})
		return change
	}
	if live != nil {
		owner := OwnerOf(live)
		change.Ownership = classify(owner, c.in.Release, c.in.Namespace, known.deployed, known.attempted)
		if change.Ownership == Foreign {
			change.Owner = &owner
			if !c.in.TakeOwnership {
				change.refuse(Problem{Kind: ForeignProblem, Message: "it exists and " + belongs(owner)})
				return change
			}
		}
	}
	if problem, found := c.in.Problems[o.Ref]; found {
		if problem.Kind == ImmutableProblem && c.in.Force && live != nil {
			c.update(&change, Recreate, live, known.objects)
			change.Reason = cannotChange(problem.Fields)
			return change
		}
		change.refuse(problem)
		return change
	}
	switch {
	case live == nil:
		change.Action, change.Send = Create, true
		if known.deployed {
			change.Reason = "it is missing from the cluster"
		}
	case change.Ownership != Ours:
		c.change(&change, Adopt, live, known.objects)
	case known.sameAs(o) && at(live, "metadata", "deletionTimestamp") == nil && Holds(live, owned.Fields):
		change.Action = Unchanged
	default:
		c.change(&change, Update, live, known.objects)
	}
	return change
}

// sameAs reports whether each earlier document of the object says the same.
func (p *past) sameAs(o *manifest.Object) bool {
	for i := range p.objects {
		if p.objects[i].APIVersion != o.APIVersion || !equal(p.objects[i].Fields, o.Fields) {
			return false
		}
	}
	return len(p.objects) > 0
}

// change plans an update, or what stands in its place where immutable fields are hit.
func (c *computation) change(change *Change, action Action, live map[string]any, last []manifest.Object) {
	if c.in.Applied[change.Ref] == nil {
		if fields := Immutable(live, change.Object.Fields); len(fields) > 0 {
			if !c.in.Force {
				change.refuse(Problem{Kind: ImmutableProblem, Message: cannotChange(fields), Fields: fields})
				return
			}
			c.update(change, Recreate, live, last)
			change.Reason = cannotChange(fields)
			return
		}
	}
	c.update(change, action, live, last)
	if action != Adopt && len(change.Fields) == 0 {
		change.Action, change.Reason = Unchanged, "its document has changed without an effect"
	}
	if at(live, "metadata", "deletionTimestamp") != nil {
		change.Action, change.Reason = action, "it is being deleted"
	}
}

// update fills in a change and the fields that it changes.
func (c *computation) update(change *Change, action Action, live map[string]any, last []manifest.Object) {
	change.Action, change.Send = action, true
	applied := c.in.Applied[change.Ref]
	if applied == nil {
		applied = estimate(live, last, change.Object.Fields)
		change.Estimated = true
	}
	change.Fields = Diff(live, applied)
}

func belongs(owner Owner) string {
	if owner == (Owner{}) {
		return "is not marked as part of a release"
	}
	return "belongs to " + owner.String()
}

func cannotChange(fields []string) string {
	return strings.Join(fields, ", ") + " cannot be changed"
}

// drop plans an object that is wanted no more. needed is false if there is
// nothing to do.
func (c *computation) drop(o manifest.Object) (change Change, needed bool) {
	live := c.in.Live[o.Ref]
	if live == nil || c.uids[text(at(live, "metadata", "uid"))] {
		return Change{}, false
	}
	known := c.past[identify(o.Ref)]
	owner := OwnerOf(live)
	change = Change{Action: Delete, Send: true, Ref: o.Ref, Source: o.Source, Object: o}
	change.Ownership = classify(owner, c.in.Release, c.in.Namespace, known.deployed, known.attempted)
	switch problem, found := c.in.Problems[o.Ref]; {
	case change.Ownership == Foreign:
		change.Action, change.Send = Keep, false
		change.Owner, change.Reason = &owner, "it "+belongs(owner)
	case slices.Contains(c.in.Moved, o.Ref):
		change.Action, change.Send = Keep, false
		change.Reason = "it is in a crds folder of the chart now"
	case Kept(o.Fields) || Kept(live):
		change.Action, change.Send = Keep, false
		change.Reason = policyAnnotation + ": " + policyKeep
	case found:
		change.refuse(problem)
	}
	return change, true
}

func (change *Change) refuse(problem Problem) {
	change.Action, change.Send, change.Problem = Refused, false, &problem
}

// finish masks a problem's words and notes the state that the change starts from.
func (c *computation) finish(change *Change) {
	live := c.in.Live[change.Ref]
	if live != nil {
		change.liveState = fmt.Sprint(at(live, "metadata", "uid"), " ", at(live, "metadata", "resourceVersion"))
	}
	if change.Problem != nil && isSecret(change.Ref) {
		problem := *change.Problem
		problem.Message = withoutSecrets(problem.Message, change.Object.Fields, live)
		change.Problem = &problem
	}
}

// events are those at which an operation runs hooks, in order.
var events = map[Operation][]manifest.Event{
	Install:   {manifest.PreInstall, manifest.PostInstall},
	Upgrade:   {manifest.PreUpgrade, manifest.PostUpgrade},
	Rollback:  {manifest.PreRollback, manifest.PostRollback},
	Uninstall: {manifest.PreDelete, manifest.PostDelete},
}

func hooksOf(operation Operation, hooks []manifest.Hook) []Hook {
	var run []Hook
	for _, event := range events[operation] {
		for _, h := range manifest.ForEvent(hooks, event) {
			run = append(run, Hook{Event: event, Kind: h.Kind, Name: h.Name, Source: h.Path,
				Weight: h.Weight, DeletePolicies: h.DeletePolicies})
		}
	}
	return run
}

// Same reports whether two documents say the same.
func Same(a, b map[string]any) bool { return equal(a, b) }

// equal compares JSON values; whole numbers compare by value.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, isMap := b.(map[string]any)
		if !isMap || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, set := b[key]
			if !set || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, isList := b.([]any)
		return isList && slices.EqualFunc(a, b, equal)
	case masked:
		return a == b
	}
	return sameScalar(a, b)
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
