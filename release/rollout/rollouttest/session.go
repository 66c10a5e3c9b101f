package rollouttest

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/rollout"
)

// Session is a rollout that commands are given to. The zero value has none yet.
type Session struct {
	State   rollout.State
	Actions []rollout.Action // the last ones
	now     time.Time
	planned rollout.State // before it was begun
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// person is who gives the commands of scripts.
var person = rollout.Actor{Name: "ann"}

// Do carries out one command and returns what it prints. An error means that
// the script is wrong; what the machine refuses is printed.
func (s *Session) Do(command string) (string, error) {
	word, rest, _ := strings.Cut(command, " ")
	switch word {
	case "start":
		return s.start(rest)
	case "tick":
		d, err := time.ParseDuration(rest)
		s.now = s.now.Add(d)
		return "", err
	case "kill":
		return s.kill()
	case "run":
		return s.run(), nil
	case "reach":
		return s.reach(rest)
	case "journal":
		return s.journal(0), nil
	}
	e, err := s.event(word, rest)
	if err != nil {
		return "", err
	}
	return s.give(e), nil
}

func (s *Session) event(word, rest string) (rollout.Event, error) {
	switch word {
	case "did":
		return rollout.Did{}, nil
	case "go":
		return rollout.Go{}, nil
	case "failed":
		return rollout.Failed{Reason: rest}, nil
	case "measured":
		return rollout.Measured{Runs: s.judged(s.State.Runs, rest)}, nil
	case "promote":
		return rollout.Promote{Full: rest == "full", Actor: person}, nil
	case "abort":
		return rollout.Abort{Reason: rest, Actor: person}, nil
	case "undo":
		return rollout.Undo{Actor: person}, nil
	case "guard":
		var runs []rollout.Run
		if rest != "" {
			runs = s.judged(s.State.NewRuns(s.now), rest)
		}
		return rollout.Guard{Runs: runs, Actor: rollout.Actor{Name: "guard"}}, nil
	}
	return nil, fmt.Errorf("command %q is not known", word)
}

// judged gives runs a verdict, by one measurement each.
func (s *Session) judged(runs []rollout.Run, verdict string) []rollout.Run {
	verdicts := map[string]rollout.Verdict{
		"good": rollout.Successful, "bad": rollout.Bad, "inconclusive": rollout.Undecided, "error": rollout.Erroneous,
	}
	var all []rollout.Run
	for _, r := range runs {
		r.Verdict = verdicts[verdict]
		r.Measurements = []rollout.Measurement{{At: s.now, Verdict: rollout.Successful}}
		all = append(all, r)
	}
	return all
}

// give hands an event to the machine and prints what follows.
func (s *Session) give(e rollout.Event) string {
	before := s.State
	after, actions, err := rollout.Next(before, s.now, e)
	var refused *rollout.RefusedError
	if errors.As(err, &refused) {
		return fmt.Sprintf("refused: %s\n     now: %s\n", refused.Why, refused.Remedy)
	}
	s.State, s.Actions = after, actions
	printed := ""
	if a, b := status(before), status(after); a != b {
		printed = b + "\n"
	}
	if n := len(before.Journal); len(after.Journal) > n {
		printed += s.journal(n)
	}
	for _, a := range actions {
		printed += "- " + action(a) + "\n"
	}
	return printed
}

// kill has another process take the rollout up.
func (s *Session) kill() (string, error) {
	before, actions := s.State, s.Actions
	printed := s.give(rollout.Go{})
	if !reflect.DeepEqual(before, s.State) || !reflect.DeepEqual(actions, s.Actions) {
		return "", fmt.Errorf("in the phase %s the next process is given something else:\n%s", before.Phase, printed)
	}
	return "the next process is given the same\n", nil
}

// run reports actions as carried out until something else has to happen.
func (s *Session) run() string {
	printed := ""
	for len(s.Actions) > 0 {
		switch s.Actions[len(s.Actions)-1].(type) {
		case rollout.Pause, rollout.Wait, rollout.Measure:
			return printed
		}
		printed += s.give(rollout.Did{})
	}
	return printed
}

// reach goes on, past good measurements and gates, to a phase of a step.
func (s *Session) reach(rest string) (string, error) {
	name, step, _ := strings.Cut(rest, " ")
	phase := rollout.Phase(name)
	if phase == rollout.Planned { // where nothing has been done yet
		s.State, s.Actions = s.planned, nil
		return "", nil
	}
	for s.State.Phase != phase || step != "" && strconv.Itoa(s.State.Step) != step {
		if len(s.Actions) == 0 {
			return "", fmt.Errorf("the phase %s is not reached", rest)
		}
		switch s.Actions[len(s.Actions)-1].(type) {
		case rollout.Pause, rollout.Wait:
			s.give(rollout.Promote{Actor: person})
		case rollout.Measure:
			s.give(rollout.Measured{Runs: s.judged(s.State.Runs, "good")})
		default:
			s.give(rollout.Did{})
		}
	}
	return "", nil
}

func (s *Session) start(rest string) (string, error) {
	s.now = epoch
	state := rollout.State{
		Format: 1, ID: "1", Release: "web", Namespace: "prod", Base: 4, Revision: 5,
		Phase: rollout.Planned, EnteredAt: s.now,
	}
	options := map[string]string{}
	for word := range strings.FieldsSeq(rest) {
		name, value, _ := strings.Cut(word, "=")
		options[name] = value
	}
	set := func(name string) bool { _, ok := options[name]; return ok }
	duration := func(name string) time.Duration { d, _ := time.ParseDuration(options[name]); return d }
	state.Settings = rollout.Settings{
		Strategy: rollout.Strategy(options["strategy"]), Pinned: set("pinned"), Total: set("total"), AbortOnFailure: set("abort"),
		Hooks: rollout.HookTime(options["hooks"]), Settle: duration("settle"), GateFor: duration("gateFor"),
	}
	for _, name := range strings.FieldsFunc(options["metrics"], func(r rune) bool { return r == ',' }) {
		state.Settings.Metrics = append(state.Settings.Metrics, rollout.Metric{Name: name})
	}
	steps, err := plannedSteps(state.Settings, options)
	if err != nil {
		return "", err
	}
	state.Steps = steps
	s.State, s.Actions, s.planned = state, nil, state
	return s.give(rollout.Go{}), nil
}

// plannedSteps reads weight[:pause] words and works out the pods.
func plannedSteps(settings rollout.Settings, options map[string]string) ([]rollout.Step, error) {
	var steps []rollout.Step
	for _, word := range strings.FieldsFunc(options["steps"], func(r rune) bool { return r == ',' }) {
		weight, pause, _ := strings.Cut(word, ":")
		n, err := strconv.Atoi(weight)
		if err != nil {
			return nil, err
		}
		d, _ := time.ParseDuration(pause)
		steps = append(steps, rollout.Step{Weight: n, Pause: d, Gate: rollout.GateMode(options["gate"])})
	}
	steps, err := rollout.Normalise(settings.Strategy, steps)
	if err != nil || settings.Strategy == rollout.BlueGreen {
		return steps, err
	}
	n := 9
	if options["pods"] != "" {
		if n, err = strconv.Atoi(options["pods"]); err != nil {
			return nil, err
		}
	}
	ratio := rollout.Ratio{Total: settings.Total, Surge: 100, Tolerance: 5, Routed: settings.Pinned}
	if settings.Total {
		ratio.Surge = 0
	}
	for i := range steps {
		split, _, err := ratio.Split(n, steps[i].Weight)
		if err != nil {
			return nil, err
		}
		steps[i].Counts = map[string]rollout.Split{"Deployment/web": split}
	}
	return steps, nil
}
