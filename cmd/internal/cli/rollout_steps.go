package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/rollout"
)

const stepsGrammar = "steps are weights in per cent that grow, each with a pause if it has one: 10,25:5m,50"

// parseSteps reads the steps of a canary as the flag --steps and the chart's
// annotation have them: weight[:pause], separated by commas.
func parseSteps(text string) ([]rollout.Step, error) {
	var steps []rollout.Step
	for i, word := range strings.Split(text, ",") {
		step, err := parseStep(strings.TrimSpace(word))
		if err != nil {
			return nil, withHint(fmt.Errorf("step %d: %w", i+1, err), stepsGrammar)
		}
		steps = append(steps, step)
	}
	return steps, checkSteps(steps)
}

func parseStep(word string) (rollout.Step, error) {
	weight, pause, paused := strings.Cut(word, ":")
	number, err := strconv.Atoi(strings.TrimSuffix(weight, "%"))
	if err != nil {
		return rollout.Step{}, fmt.Errorf("%q is no weight", weight)
	}
	step := rollout.Step{Weight: number}
	if paused {
		if step.Pause, err = time.ParseDuration(pause); err != nil || step.Pause < 0 {
			return step, fmt.Errorf("%q is no time to pause, such as 5m", pause)
		}
	}
	return step, nil
}

// checkSteps makes sure that the weights of a canary's steps grow from above 0 to 100 at most.
func checkSteps(steps []rollout.Step) error {
	before := 0
	for i, step := range steps {
		switch {
		case step.Weight < 1 || step.Weight > 100:
			return withHint(fmt.Errorf("step %d: a weight of %d: it has to be from 1 to 100", i+1, step.Weight), stepsGrammar)
		case step.Weight <= before:
			return withHint(fmt.Errorf("step %d: a weight of %d comes after %d", i+1, step.Weight, before), stepsGrammar)
		}
		before = step.Weight
	}
	return nil
}

// stepText is a step as --steps has it.
func stepText(step rollout.Step) string {
	text := strconv.Itoa(step.Weight)
	if step.Pause > 0 {
		text += ":" + durationText(step.Pause)
	}
	return text
}

// durationText is a time without units that are zero: 5m, not 5m0s.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
