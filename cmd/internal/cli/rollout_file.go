package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/chart/yaml"
	schemas "github.com/e6d26078/slipway/docs/schema"
	"github.com/e6d26078/slipway/release/notify"
	"github.com/e6d26078/slipway/release/rollout"
)

// rolloutFile is a rollout.yaml. docs/schema/rollout.v1.json says what may
// stand in it, and is what it is checked by.
type rolloutFile struct {
	Strategy      rollout.Strategy `json:"strategy"`
	Steps         []fileStep       `json:"steps"`
	Settings      fileSettings     `json:"settings"`
	Metrics       json.RawMessage  `json:"metrics"`
	Notifications json.RawMessage  `json:"notifications"`

	data    []byte // the file
	targets []notify.Target
}

// fileSettings are those that the file sets; the others are nil.
type fileSettings struct {
	Gate          *rollout.GateMode `json:"gate"`
	Surge         *filePercent      `json:"surge"`
	Total         *bool             `json:"total"`
	Tolerance     *int              `json:"tolerance"`
	Router        *string           `json:"router"`
	Hooks         *rollout.HookTime `json:"hooks"`
	Drain         *fileDuration     `json:"drain"`
	GateTimeout   *fileDuration     `json:"gateTimeout"`
	Keep          *fileDuration     `json:"keep"`
	OnFailure     *string           `json:"onFailure"`
	AllowDowntime *bool             `json:"allowDowntime"`
	Ungated       *bool             `json:"ungated"`
	KeepLive      *bool             `json:"keepLive"`
	Approvers     *[]string         `json:"approvers"`
	FourEyes      *bool             `json:"fourEyes"`
}

// fileStep is a step: a weight alone, or with how the step ends.
type fileStep struct {
	Weight int              `json:"weight"`
	Pause  fileDuration     `json:"pause"`
	Gate   rollout.GateMode `json:"gate"`
}

func (s *fileStep) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return json.Unmarshal(data, &s.Weight)
	}
	type plain fileStep
	return json.Unmarshal(data, (*plain)(s))
}

// fileDuration is written as in 5m.
type fileDuration time.Duration

func (d *fileDuration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = fileDuration(parsed)
	return err
}

// filePercent is written as in 25 or 25%.
type filePercent int

func (p *filePercent) UnmarshalJSON(data []byte) error {
	number, err := parsePercent(strings.Trim(string(data), `"`))
	*p = filePercent(number)
	return err
}

// parsePercent reads a number from 1 on, with or without a per cent sign.
func parsePercent(text string) (int, error) {
	number, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || number < 1 {
		return 0, fmt.Errorf("%q is no number of per cent, such as 25%%", text)
	}
	return number, nil
}

// readRolloutFile reads and checks a rollout.yaml. Errors name the file and the line.
func readRolloutFile(name string) (*rolloutFile, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	file := &rolloutFile{data: data}
	if err := checkRolloutFile(name, data); err != nil {
		return nil, withHint(err, "'slipway rollout schema' prints what a file may hold")
	}
	if err := yaml.Unmarshal(data, file); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if err := checkSteps(file.steps()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if file.Notifications != nil {
		if file.targets, err = notify.ParseTargets(file.Notifications); err != nil {
			return nil, fmt.Errorf("read %s: notifications: %w", name, err)
		}
	}
	return file, nil
}

// readTargets are those whom a rollout.yaml wants to be told, none without a file.
func readTargets(name string) ([]notify.Target, error) {
	if name == "" {
		return nil, nil
	}
	file, err := readRolloutFile(name)
	if err != nil {
		return nil, err
	}
	return file.targets, nil
}

// steps are those of the file.
func (f *rolloutFile) steps() []rollout.Step {
	var steps []rollout.Step
	for _, s := range f.Steps {
		steps = append(steps, rollout.Step{Weight: s.Weight, Pause: time.Duration(s.Pause), Gate: s.Gate})
	}
	return steps
}

// checkRolloutFile holds a file against the schema, a line for each fault.
func checkRolloutFile(name string, data []byte) error {
	_, err := schemas.Check(name, data, schemas.Rollout())
	return err
}
