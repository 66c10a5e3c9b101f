package analysis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/internal/mask"
	"github.com/e6d26078/slipway/release/rollout"
)

const (
	maxOutput      = 64 << 10
	defaultRunTime = time.Minute
)

// Output is what a program left.
type Output struct {
	Exit int // code
	// Stdout and Stderr, each cut at a limit; Long says that Stdout was.
	Stdout, Stderr []byte
	Long           bool
}

// RunFunc runs a program with exactly the environment env until it ends or ctx
// is over, then kills it with its children. It keeps at most limit bytes of
// each output. An error says that it could not be run or was killed.
type RunFunc func(ctx context.Context, command, env []string, limit int) (*Output, error)

// exec runs a program of the operator's.
func (s *Sampler) exec(ctx context.Context, e *rollout.Exec, subject deploy.Subject, hidden *mask.Secrets) (reading, error) {
	if s.options.Run == nil {
		return reading{}, errors.New("there is nothing here to run programs with")
	}
	if len(e.Command) == 0 {
		return reading{}, errors.New("the command is empty")
	}
	for _, pair := range s.options.Env {
		if name, value, _ := strings.Cut(pair, "="); name != "PATH" && name != "HOME" {
			hidden.Add(value)
		}
	}
	timeout := e.Timeout
	if timeout <= 0 {
		timeout = defaultRunTime
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	env := append(append([]string(nil), s.options.Env...), about(subject)...)
	out, err := s.options.Run(limited, e.Command, env, maxOutput)
	switch {
	case limited.Err() != nil && ctx.Err() == nil:
		return reading{}, fmt.Errorf("%s was killed: it took longer than %s", e.Command[0], timeout)
	case err != nil:
		return reading{}, fmt.Errorf("run %s: %w", e.Command[0], err)
	case out.Exit != 0:
		message := fmt.Sprintf("%s ends with exit code %d", e.Command[0], out.Exit)
		if line := lastLine(out.Stderr); line != "" {
			message += ": " + line
		}
		return reading{verdict: rollout.Bad, final: true, message: message}, nil
	case out.Long:
		return reading{}, fmt.Errorf("%s writes more than %d KiB", e.Command[0], maxOutput>>10)
	}
	return output(out.Stdout), nil
}

// output is the result of a program that ended well: JSON, or the text itself.
func output(stdout []byte) reading {
	text := strings.TrimSpace(string(stdout))
	got := reading{verdict: rollout.Successful}
	if text == "" {
		return got
	}
	if err := json.Unmarshal([]byte(text), &got.result); err != nil {
		got.result = text
	}
	return got
}

// about tells a program what is measured.
func about(subject deploy.Subject) []string {
	return []string{
		"SLIPWAY_RELEASE=" + subject.Release,
		"SLIPWAY_NAMESPACE=" + subject.Namespace,
		fmt.Sprintf("SLIPWAY_REVISION=%d", subject.Revision),
		fmt.Sprintf("SLIPWAY_STEP=%d", subject.Step+1),
		fmt.Sprintf("SLIPWAY_WEIGHT=%d", subject.Weight),
		"SLIPWAY_CANARY_PODS=" + podNames(subject.Canary),
		"SLIPWAY_STABLE_PODS=" + podNames(subject.Stable),
	}
}

func podNames(pods []deploy.Live) string {
	names := make([]string, len(pods))
	for i, pod := range pods {
		names[i], _ = field(pod, "metadata", "name").(string)
	}
	return strings.Join(names, ",")
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
