package permission

import (
	"maps"
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// step is a part of a command that asks something of the cluster.
type step int

// The steps. Each names the part of package deploy or cluster that it is.
const (
	listRecords     step = iota // Store.History
	readRecord                  // Store.Get
	createRecord                // Store.Create
	updateRecord                // Store.Update
	deleteRecord                // Store.Delete: the history is pruned or purged
	takeLock                    // Locker.Acquire, Lock.Release
	removeLock                  // Lock.Remove
	tell                        // Recorder.Event
	readObjects                 // Reader.Read
	tryChanges                  // deploy's check: dry runs, and questions for rights
	tryIfAllowed                // the same, where the answer can be done without
	applyObjects                // Writer.Apply
	replaceObjects              // Writer.Replace
	deleteObjects               // Writer.Delete
	awaitObjects                // Waiter.Wait
	awaitDeletion               // Waiter.WaitGone
	installCRDs                 // deploy's installCRDs
	runHooks                    // deploy's runHooks
	explainHooks                // what a failed hook's pods and events tell, and its log
	ensureNamespace             // Writer.EnsureNamespace
	grantRoles                  // the API server's check of roles that a chart contains
	seePods                     // pods of workloads
	seeTrouble                  // pods, events and logs, for people
	listEverywhere              // -A
	storePlan                   // cluster's Plans: plan --out
	loadPlan                    // apply --plan
	readRollout                 // RolloutStore.State, Target and List
	writeRollout                // RolloutStore.Save of a state that is there, and Delete
	beginRollout                // RolloutStore.Freeze, and Save of a new state
	surveyRollout               // deploy's around: what a rollout has to respect in the namespace
	seeSides                    // the pods of both sides, and the endpoints of Services
	followRollout               // deploy's observe: ReplicaSets; and the wait until clones are gone
	measureRollout              // package analysis
	listRollouts                // -A
	compareLive                 // cmd's readLive: what else is in the cluster, for policies
)

// target is what a need is about.
type target int

const (
	fixed         target = iota // the resource that the need names
	records                     // the records of releases
	objects                     // each kind of the manifest
	awaited                     // the kinds of the manifest that may be not ready
	hooks                       // each kind of a hook
	crds                        // CustomResourceDefinitions, if the chart brings some in crds folders
	logsOfHooks                 // something, if there are hooks that run
	podsOfObjects               // something, if the manifest has workloads
	services                    // something, if the manifest has Services
	claims                      // something, if the manifest has PersistentVolumeClaims
	roles                       // what the chart's own roles grant and bind
	serving                     // something, if the manifest has workloads that do not end by themselves
	ingresses                   // something, if the manifest has Ingresses
	pickers                     // something, if the manifest has what picks pods by their labels
	placed                      // something, if the manifest has such workloads, or Services, budgets or autoscalers for some
	sides                       // the kinds that have two sides: Deployments, StatefulSets, and Services
)

// need is a line of the table.
type need struct {
	target          target
	group, resource string // if the target has none of its own
	verbs           []string
	everywhere      bool
	optional        bool
	purpose         string
}

const (
	leaseGroup = "coordination.k8s.io"

	aboutRecords = "records of releases"
	aboutLock    = "lock of a release"
	aboutObjects = "objects of the chart"
	aboutHooks   = "hooks of the chart"
	aboutCRDs    = "definitions of the chart's own kinds"
	aboutPlans   = "frozen plans"
	aboutRollout = "state of a rollout"
	aboutSurvey  = "what a rollout has to respect in the namespace"
	aboutOthers  = "refuse to begin beside what else launches or scales, where it is installed"
	aboutSides   = "pods and endpoints of both sides of a rollout"
	aboutLive    = "compare with what is in the cluster (--policy, preflight --live); without it a note says what was not looked at"
	aboutTrouble = "tell why something is not ready"
)

// table says what each step needs.
func table() map[step][]need {
	trouble := func(t target) []need {
		return []need{
			{target: t, resource: "pods", verbs: []string{"list", "watch"}, optional: true, purpose: aboutTrouble},
			{target: t, resource: "pods/log", verbs: []string{"get"}, optional: true, purpose: aboutTrouble},
			{target: t, resource: "events", verbs: []string{"list", "watch"}, optional: true, purpose: aboutTrouble},
			{target: t, resource: "secrets", verbs: []string{"get"}, optional: true, purpose: "mask what Secrets hold in logs, without which logs are left out"},
			{target: t, resource: "persistentvolumeclaims", verbs: []string{"get"}, optional: true, purpose: aboutTrouble},
			{target: t, group: "apps", resource: "replicasets", verbs: []string{"list"}, optional: true, purpose: aboutTrouble},
		}
	}
	all := map[step][]need{
		listRecords:  {{target: records, verbs: []string{"list"}, purpose: aboutRecords}},
		readRecord:   {{target: records, verbs: []string{"get"}, purpose: aboutRecords}},
		createRecord: {{target: records, verbs: []string{"create"}, purpose: aboutRecords}},
		updateRecord: {{target: records, verbs: []string{"update"}, purpose: aboutRecords}},
		deleteRecord: {{target: records, verbs: []string{"delete"}, purpose: aboutRecords}},

		takeLock:   {{group: leaseGroup, resource: "leases", verbs: []string{"get", "create", "update"}, purpose: aboutLock}},
		removeLock: {{group: leaseGroup, resource: "leases", verbs: []string{"delete"}, purpose: aboutLock}},
		tell:       {{resource: "events", verbs: []string{"create"}, optional: true, purpose: "leave an Event about each revision"}},

		readObjects:    {{target: objects, verbs: []string{"get"}, purpose: aboutObjects}, {target: objects, verbs: []string{"list"}, optional: true, purpose: "read many objects of a kind by one request"}},
		tryChanges:     {{target: objects, verbs: []string{"create", "patch", "delete"}, purpose: "objects of the chart: a plan that could not be carried out is refused"}},
		tryIfAllowed:   {{target: objects, verbs: []string{"patch"}, optional: true, purpose: "have the server compare, by a dry run; else differences are estimated"}},
		applyObjects:   {{target: objects, verbs: []string{"create", "patch"}, purpose: aboutObjects}},
		replaceObjects: {{target: objects, verbs: []string{"update", "delete"}, purpose: aboutObjects}},
		deleteObjects:  {{target: objects, verbs: []string{"delete"}, purpose: aboutObjects}},
		awaitObjects: append([]need{
			{target: awaited, verbs: []string{"list", "watch"}, purpose: aboutObjects},
			{target: services, group: "discovery.k8s.io", resource: "endpointslices", verbs: []string{"list", "watch"}, optional: true, purpose: "wait until Services have endpoints"},
			{target: claims, group: "storage.k8s.io", resource: "storageclasses", verbs: []string{"list"}, everywhere: true, optional: true, purpose: "wait for claims that no pod uses"},
		}, trouble(podsOfObjects)...),
		awaitDeletion: {{target: objects, verbs: []string{"list", "watch"}, purpose: aboutObjects}},

		installCRDs:  {{target: crds, group: crdGroup, resource: crdResource, verbs: []string{"get", "create", "patch", "list", "watch"}, everywhere: true, purpose: aboutCRDs}},
		runHooks:     {{target: hooks, verbs: []string{"get", "create", "delete", "list", "watch"}, purpose: aboutHooks}},
		explainHooks: trouble(logsOfHooks),

		ensureNamespace: {
			{resource: "namespaces", verbs: []string{"get"}, purpose: "see whether the namespace is there"},
			{resource: "namespaces", verbs: []string{"create"}, everywhere: true, optional: true, purpose: "create the namespace"},
		},
		grantRoles: {{target: roles, purpose: "granted by roles of the chart: nobody may grant what he does not have"}},
		seePods:    {{target: podsOfObjects, resource: "pods", verbs: []string{"list"}, purpose: "pods of workloads"}},
		seeTrouble: {
			{resource: "pods", verbs: []string{"get", "list", "watch"}, optional: true, purpose: "look at pods"},
			{resource: "pods/log", verbs: []string{"get"}, optional: true, purpose: "look at logs"},
			{resource: "events", verbs: []string{"get", "list", "watch"}, optional: true, purpose: "look at Events"},
		},
		storePlan: {
			{resource: "secrets", verbs: []string{"create"}, purpose: aboutPlans},
			{resource: "secrets", verbs: []string{"list", "delete"}, optional: true, purpose: "remove plans whose time has passed"},
		},
		loadPlan: {{resource: "secrets", verbs: []string{"get", "delete"}, purpose: aboutPlans}},
		compareLive: {
			{target: ingresses, group: "networking.k8s.io", resource: "ingresses", verbs: []string{"list"}, everywhere: true, optional: true, purpose: aboutLive},
			{target: serving, resource: "services", verbs: []string{"list"}, optional: true, purpose: aboutLive},
			{target: pickers, resource: "pods", verbs: []string{"list"}, optional: true, purpose: aboutLive},
			{target: placed, group: "apps", resource: "deployments", verbs: []string{"list"}, optional: true, purpose: aboutLive},
			{target: placed, group: "apps", resource: "statefulsets", verbs: []string{"list"}, optional: true, purpose: aboutLive},
			{target: placed, group: "apps", resource: "daemonsets", verbs: []string{"list"}, optional: true, purpose: aboutLive},
		},
		listEverywhere: {{target: records, verbs: []string{"list"}, everywhere: true, optional: true, purpose: "list the releases of all namespaces (-A)"}},
	}
	maps.Copy(all, rolloutTable())
	return all
}

// stepsOf says what a command does.
func stepsOf(command Command, o Options) ([]step, bool) {
	var steps []step
	add := func(more ...step) { steps = append(steps, more...) }
	switch command {
	case Preflight:
		add(compareLive)
	case List:
		add(listRecords, listEverywhere)
	case History, Get:
		add(listRecords, readRecord)
	case Status:
		add(listRecords, readRecord)
		if o.ShowResources {
			add(readObjects, seePods)
		}
	case Drift, Migrate:
		add(listRecords, readRecord, readObjects, tryIfAllowed)
	case Recover:
		add(listRecords, readRecord, updateRecord, takeLock, readRollout)
	case Plan:
		add(listRecords, readRecord, readObjects, tryChanges)
		if o.Out {
			add(storePlan)
		}
	case Apply:
		upgrade, _ := stepsOf(Upgrade, o)
		add(upgrade...)
		add(installCRDs, loadPlan)
	case Install:
		add(listRecords, readRecord, createRecord, updateRecord, takeLock, removeLock, tell)
		add(changing(o)...)
		add(installCRDs)
		if o.Atomic {
			add(deleteRecord, deleteObjects)
		}
	case Upgrade, Rollback:
		add(listRecords, readRecord, createRecord, updateRecord, deleteRecord, takeLock, tell)
		add(changing(o)...)
		add(deleteObjects)
		if o.Install {
			add(removeLock)
		}
		if command == Upgrade && (o.Install || o.ApplyCRDs) {
			add(installCRDs)
		}
	case Uninstall:
		add(listRecords, readRecord, updateRecord, deleteRecord, takeLock, removeLock, tell)
		add(readObjects, deleteObjects, runHooks, explainHooks)
		if o.Wait {
			add(awaitDeletion)
		}
	case Test:
		add(listRecords, readRecord, updateRecord, takeLock, runHooks, explainHooks)
	case RolloutStart, RolloutPromote, RolloutAbort, RolloutStatus, Guard, Rollout:
		add(rolloutSteps(command, o)...)
	case Viewer, Approver, Deployer:
		add(stepsOfPerson(command, o)...)
	default:
		return nil, false
	}
	if o.Policy && slices.Contains([]Command{Plan, Apply, Install, Upgrade, Rollback, RolloutStart, RolloutPromote, Rollout}, command) {
		add(compareLive)
	}
	return steps, true
}

// stepsOfPerson says what all the commands do that somebody needs.
func stepsOfPerson(who Command, o Options) []step {
	var commands []Command
	switch who {
	case Viewer:
		o.ShowResources = true
		commands = []Command{List, History, Get, Status, Drift}
		if o.Records == Secrets || o.Records == "" {
			commands = append(commands, RolloutStatus) // else it would be the only reader of Secrets
		}
		if o.Policy {
			commands = append(commands, Preflight)
		}
	case Approver:
		commands = []Command{Viewer}
	case Deployer:
		o.Out = true
		commands = []Command{Viewer, Plan, Apply, Install, Upgrade, Rollback, Uninstall, Test, Recover, Rollout}
	}
	var steps []step
	for _, c := range commands {
		more, _ := stepsOf(c, o)
		steps = append(steps, more...)
	}
	if who == Approver {
		steps = append(steps, seeTrouble)
	}
	return steps
}

// changing is what bringing a chart's objects about takes.
func changing(o Options) []step {
	steps := []step{readObjects, applyObjects, grantRoles, runHooks, explainHooks}
	if o.Wait || o.Atomic {
		steps = append(steps, awaitObjects)
	}
	if o.CleanupOnFail {
		steps = append(steps, deleteObjects)
	}
	if o.Force {
		steps = append(steps, replaceObjects)
	}
	if o.CreateNamespace {
		steps = append(steps, ensureNamespace)
	}
	return steps
}

// eventsOf are the events at which a command runs hooks.
func eventsOf(command Command, o Options) []manifest.Event {
	install := []manifest.Event{manifest.PreInstall, manifest.PostInstall}
	upgrade := []manifest.Event{manifest.PreUpgrade, manifest.PostUpgrade}
	rollback := []manifest.Event{manifest.PreRollback, manifest.PostRollback}
	uninstall := []manifest.Event{manifest.PreDelete, manifest.PostDelete}
	every := slices.Concat(install, upgrade, rollback, uninstall, []manifest.Event{manifest.Test})
	switch command {
	case Install:
		if o.Atomic {
			return slices.Concat(install, uninstall)
		}
		return install
	case Upgrade:
		events := upgrade
		if o.Atomic {
			events = slices.Concat(events, rollback)
		}
		if o.Install {
			events = slices.Concat(events, eventsOf(Install, o))
		}
		return events
	case Rollback:
		return rollback
	case Uninstall:
		if o.WithHooks {
			return every
		}
		return uninstall
	case Test, Guard:
		return every[len(every)-1:]
	case RolloutStart, RolloutPromote, Rollout:
		return append(upgrade, manifest.Test)
	case Apply:
		o.Install = true
		return slices.Concat(eventsOf(Upgrade, o), rollback)
	case Deployer:
		return every
	}
	return nil
}
