package derive

import (
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// Fields is an object as the API server returned it.
type Fields = map[string]any

// Input is what a rollout is worked out from. All references have their
// namespaces.
type Input struct {
	Release, Namespace string
	Revision           int // the one that is rolled out
	Settings           rollout.Settings
	Base, Target       []manifest.Object
	// Again is the target rendered a second time; what differs is not
	// deterministic. Nil: not looked at.
	Again []manifest.Object
	// Live has the objects of Base and Target that exist.
	Live map[manifest.Ref]Fields
	// Around are the other objects of the namespace that matter:
	// HorizontalPodAutoscalers, PodDisruptionBudgets, Services, Deployments,
	// ReplicaSets, ResourceQuotas, and objects of kinds that the routers name.
	Around  []Fields
	Routers []Router
	Options Options
}

// Options are what an operator may allow or ask for.
type Options struct {
	// AllowDowntime allows a StatefulSet of one pod behind a Service.
	AllowDowntime bool
	// Ungated allows workloads that no Service selects.
	Ungated bool
	// KeepLive keeps live Secrets whose rendering is not deterministic, and so
	// does without refusing them.
	KeepLive bool
	// Router names the router that divides traffic; "" is by pods.
	Router string
}

// Router divides the traffic of Services by changing routing objects of a
// release. It is pure.
type Router interface {
	// Name is what operators call it: gateway, istio, nginx.
	Name() string
	// Kinds are those of its objects, without version: "HTTPRoute.gateway.networking.k8s.io".
	Kinds() []string
	// Split returns the routing objects among objects that send traffic to a
	// Service of services, changed so that weight per cent of it goes to the
	// Service's canary (a Service name in the value) instead, and objects that
	// have to be made for that. objects are not changed. None: an error that
	// says that nothing routes to them.
	Split(objects []manifest.Object, services map[string]string, weight int) ([]manifest.Object, error)
	// Settled reports whether the routing object was taken up by whoever
	// implements it; why is for people.
	Settled(live Fields) (ok bool, why string)
}

// Plan is what a rollout does to which objects. It holds no content of theirs,
// and its JSON is part of the rollout's state.
type Plan struct {
	Revision  int        `json:"revision"`
	Workloads []Workload `json:"workloads,omitempty"` // whose pods change
	Services  []Service  `json:"services,omitempty"`  // that select pods of them
	// NewServices select pods of them too, but are not in the base: they select
	// the canary alone until no Service is pinned any more.
	NewServices []Service `json:"newServices,omitempty"`
	Copies      []Copy    `json:"copies,omitempty"` // of changed configuration that they use
	Scalers     []Scaler  `json:"scalers,omitempty"`
	// Early are new objects that are made at the start; what is new and not
	// among them waits for the promotion.
	Early []manifest.Ref `json:"early,omitempty"`
	// Rights are the roles and bindings that hold those of both sides meanwhile.
	Rights []manifest.Ref `json:"rights,omitempty"`
	// Kept are Secrets that stay as they are because their rendering is not deterministic.
	Kept   []manifest.Ref `json:"kept,omitempty"`
	Router string         `json:"router,omitempty"`
	// Routes are the base's objects that the router changes, RouteObjects those that it adds.
	Routes       []manifest.Ref `json:"routes,omitempty"`
	RouteObjects []manifest.Ref `json:"routeObjects,omitempty"`
	// Total: the stable side shrinks by what the canary has, of every workload.
	Total    bool     `json:"total,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

// Form is how the canary of a workload is made.
type Form string

// The forms.
const (
	// Adoptable: a second Deployment with the selector and pod template of the
	// target, whose ReplicaSet the first one takes over in the end.
	Adoptable Form = "adoptable"
	// Labelled: a second Deployment whose pods have a label and use copies of
	// changed configuration; the first one is rolled while it serves.
	Labelled Form = "labelled"
	// Partitioned: a StatefulSet of which the last pods are of the target.
	Partitioned Form = "partitioned"
)

// Workload is one whose pods change.
type Workload struct {
	Ref      manifest.Ref `json:"ref"`
	Form     Form         `json:"form"`
	Clone    string       `json:"clone,omitempty"`  // name of the second Deployment
	Replicas int          `json:"replicas"`         // live when it was planned
	Scaler   string       `json:"scaler,omitempty"` // name of its HorizontalPodAutoscaler
	Max      int          `json:"max,omitempty"`    // maxReplicas of it
	// Stays: the clone is not adopted after all, because the cluster made other
	// pods of its template than of the workload's own.
	Stays bool `json:"stays,omitempty"`
	// Worker: no Service selects its pods, and in a canary the number of both
	// sides' pods together stays what it is.
	Worker bool `json:"worker,omitempty"`
}

// Key names a workload in the maps of rollout.State: "Deployment/web".
func (w Workload) Key() string { return w.Ref.Kind + "/" + w.Ref.Name }

// Service is one that selects pods of a workload that changes.
type Service struct {
	Ref      manifest.Ref `json:"ref"`
	Workload string       `json:"workload"` // its key
	// Preview is the name of the Service of the canary alone: with blue-green
	// for people and tests, with a router as the second backend. "" for none.
	Preview string `json:"preview,omitempty"`
}

// Copy is changed configuration under another name.
type Copy struct {
	Ref  manifest.Ref `json:"ref"`
	Name string       `json:"name"`
}

// Scaler is a HorizontalPodAutoscaler of a workload that changes.
type Scaler struct {
	Ref      manifest.Ref `json:"ref"`
	Workload string       `json:"workload"`
	// Floor is the least number of pods while the canary runs.
	Floor int `json:"floor"`
}

// Observed is what the cluster has made of a rollout.
type Observed struct {
	Hashes map[string]rollout.Hashes // by workload
	// Replicas are those of workloads whose number a scaler decides, by name of
	// the Deployment: the stable one's or the clone's.
	Replicas map[string]int
}

// RefusedError says why a release cannot be launched in this way. Nothing was changed.
type RefusedError struct{ Reasons []Reason }

// Reason is one obstacle and what to do about it.
type Reason struct {
	Ref    manifest.Ref `json:"ref"`
	Source string       `json:"source,omitempty"` // template
	Why    string       `json:"why"`
	Remedy string       `json:"remedy"`
}

func (e *RefusedError) Error() string {
	var b strings.Builder
	b.WriteString("this release cannot be rolled out in steps:")
	for _, r := range e.Reasons {
		b.WriteString("\n  " + r.Ref.String())
		if r.Source != "" {
			b.WriteString(" (" + r.Source + ")")
		}
		b.WriteString(": " + r.Why + "; " + r.Remedy)
	}
	return b.String()
}
