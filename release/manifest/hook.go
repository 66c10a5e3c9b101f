package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The annotations by which a document says that it is a hook.
const (
	HookAnnotation          = "helm.sh/hook"
	HookWeightAnnotation    = "helm.sh/hook-weight"
	HookDeleteAnnotation    = "helm.sh/hook-delete-policy"
	HookOutputLogAnnotation = "helm.sh/hook-output-log-policy"
)

// Event is a moment of a release at which hooks run.
type Event string

// The events, as a release record spells them.
const (
	PreInstall   Event = "pre-install"
	PostInstall  Event = "post-install"
	PreDelete    Event = "pre-delete"
	PostDelete   Event = "post-delete"
	PreUpgrade   Event = "pre-upgrade"
	PostUpgrade  Event = "post-upgrade"
	PreRollback  Event = "pre-rollback"
	PostRollback Event = "post-rollback"
	Test         Event = "test"
)

// DeletePolicy says when a hook's object is deleted.
type DeletePolicy string

// The delete policies that mean something; others are kept as written.
const (
	HookSucceeded      DeletePolicy = "hook-succeeded"
	HookFailed         DeletePolicy = "hook-failed"
	BeforeHookCreation DeletePolicy = "before-hook-creation"
)

// OutputLogPolicy says when the log of a hook's pods is shown.
type OutputLogPolicy string

// The log policies that mean something; others are kept as written.
const (
	OutputOnSucceeded OutputLogPolicy = "hook-succeeded"
	OutputOnFailed    OutputLogPolicy = "hook-failed"
)

// Hook is a document that runs at events of a release instead of belonging
// to it. Path is the template it comes from. Events is never empty; the
// policies are empty, not nil, when the document names none.
type Hook struct {
	Name              string
	Kind              string
	Path              string
	Manifest          string
	Events            []Event
	Weight            int
	DeletePolicies    []DeletePolicy
	OutputLogPolicies []OutputLogPolicy
}

// RunsAt reports whether the hook runs at the event.
func (h *Hook) RunsAt(event Event) bool { return slices.Contains(h.Events, event) }

// Skipped is a document that Helm leaves out of a release because its hook
// annotation names an event that does not exist (any more): Helm 2's
// crd-install and test-failure among them.
type Skipped struct {
	Path   string // template
	Kind   string
	Name   string
	Events string // the annotation as it is written
	// Content is the document.
	Content string
}

// String is the line that Helm logs.
func (s Skipped) String() string {
	return fmt.Sprintf("info: skipping unknown hook: %q", s.Events)
}

// ForEvent returns the hooks of an event in the order in which they run: by
// weight, then by name, then as in hooks, which [Sort] has ordered by kind. A
// hook that lists the event twice runs twice.
func ForEvent(hooks []Hook, event Event) []Hook {
	var chosen []Hook
	for _, h := range hooks {
		for _, e := range h.Events {
			if e == event {
				chosen = append(chosen, h)
			}
		}
	}
	slices.SortStableFunc(chosen, func(a, b Hook) int {
		switch {
		case a.Weight < b.Weight:
			return -1
		case a.Weight > b.Weight:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return chosen
}

// newHook reads the hook annotations of a document whose head has the hook
// annotation; known is false when that names an event that does not exist.
func newHook(path, content string, head *Head) (hook Hook, known bool) {
	annotations := head.Metadata.Annotations
	events, known := parseEvents(annotations[HookAnnotation])
	if !known {
		return Hook{}, false
	}
	weight, err := strconv.Atoi(annotations[HookWeightAnnotation])
	if err != nil {
		weight = 0
	}
	return Hook{
		Name:              head.Metadata.Name,
		Kind:              head.Kind,
		Path:              path,
		Manifest:          content,
		Events:            events,
		Weight:            weight,
		DeletePolicies:    parsePolicies[DeletePolicy](annotations, HookDeleteAnnotation),
		OutputLogPolicies: parsePolicies[OutputLogPolicy](annotations, HookOutputLogAnnotation),
	}, true
}

func parseEvents(annotation string) (events []Event, known bool) {
	for word := range strings.SplitSeq(annotation, ",") {
		event := Event(strings.ToLower(strings.TrimSpace(word)))
		switch event {
		case "test-success": // Helm 2's name
			event = Test
		case PreInstall, PostInstall, PreDelete, PostDelete, PreUpgrade, PostUpgrade,
			PreRollback, PostRollback, Test:
		default:
			return nil, false
		}
		events = append(events, event)
	}
	return events, true
}

func parsePolicies[P ~string](annotations map[string]string, key string) []P {
	policies := []P{}
	if list, set := annotations[key]; set {
		for word := range strings.SplitSeq(list, ",") {
			policies = append(policies, P(strings.ToLower(strings.TrimSpace(word))))
		}
	}
	return policies
}
