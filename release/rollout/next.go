package rollout

import "time"

// Event is what has happened: one of the types below.
type Event interface{ event() }

type (
	// Go goes on from where the rollout is: a new process took it up, or it was just planned.
	Go struct{}
	// Did says that all actions of the phase have been carried out.
	Did struct{}
	// Failed says that an action of the phase cannot succeed. What is only
	// interrupted is not reported: the next process goes on.
	Failed struct{ Reason string }
	// Measured brings the runs of measurements of the step up to date.
	Measured struct{ Runs []Run }
	// Promote lets a rollout at a gate go on; Full to the end without further
	// gates. It also goes on with a rollout that is stuck.
	Promote struct {
		Full  bool
		Actor Actor
	}
	// Abort takes the rollout back. After the commit it is refused: see [RefusedError].
	Abort struct {
		Reason string
		Actor  Actor
	}
	// Undo goes back by one step; at the first one it is an Abort.
	Undo struct{ Actor Actor }
	// Guard says that a guard looked at the rollout, with new measurements: it
	// aborts what fails or is overdue.
	Guard struct {
		Runs  []Run
		Actor Actor
	}
)

func (Go) event()       {}
func (Did) event()      {}
func (Failed) event()   {}
func (Measured) event() {}
func (Promote) event()  {}
func (Abort) event()    {}
func (Undo) event()     {}
func (Guard) event()    {}

// Action is what the driver has to do, in the order given, all of it
// repeatable: a process that was killed in the middle is given the same again.
type Action interface{ action() }

type (
	// Make makes the view live.
	Make struct{ View View }
	// Ready waits until the pods of the canary, or of the stable side, are ready.
	Ready struct{ Side Side }
	// Endpoints waits until the Services select what the view says, and routes are accepted.
	Endpoints struct{ View View }
	// Settle lets connections drain.
	Settle struct{ For time.Duration }
	// RunHooks runs the chart's hooks of an event: pre-upgrade or post-upgrade.
	RunHooks struct{ Event string }
	// CheckConfig makes sure that live configuration is what it was when the rollout was planned.
	CheckConfig struct{}
	// Measure takes the measurements that are due and answers with Measured.
	Measure struct{ Runs []Run }
	// Wait waits until a time and then answers with Go, or leaves that to a later command.
	Wait struct{ Until time.Time }
	// Pause ends the process: a person decides, at a gate or about a failure.
	Pause struct{}
	// Finish records the revision as deployed.
	Finish struct{}
	// GiveUp records the revision as failed, with the base's manifest.
	GiveUp struct{}
)

func (Make) action()        {}
func (Ready) action()       {}
func (Endpoints) action()   {}
func (Settle) action()      {}
func (RunHooks) action()    {}
func (CheckConfig) action() {}
func (Measure) action()     {}
func (Wait) action()        {}
func (Pause) action()       {}
func (Finish) action()      {}
func (GiveUp) action()      {}
