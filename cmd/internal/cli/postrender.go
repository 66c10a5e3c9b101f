package cli

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// postRenderer is an executable that gets the manifests on standard input and
// gives the ones to use on standard output.
type postRenderer struct {
	path string
	args []string
}

func (p *postRenderer) register(f *pflag.FlagSet) {
	f.Var((*postRendererPath)(p), "post-renderer", "the path to an executable to be used for post rendering. If it exists in $PATH, the binary will be used, otherwise it will try to look for the executable at the given path")
	f.Var((*postRendererArgs)(p), "post-renderer-args", "an argument to the post-renderer (can specify multiple)")
}

// run sends the manifests through the executable.
func (p *postRenderer) run(ctx context.Context, manifests string) (string, error) {
	if p.path == "" {
		return manifests, nil
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(manifests), &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("error while running post render on files: error while running command %s. error output:\n%s: %w", p.path, stderr.String(), err)
	}
	return stdout.String(), nil
}

// postRendererPath is the flag --post-renderer.
type postRendererPath postRenderer

func (p *postRendererPath) String() string { return p.path }
func (p *postRendererPath) Type() string   { return "postRendererString" }

func (p *postRendererPath) Set(s string) error {
	if s == "" {
		return nil
	}
	found, err := exec.LookPath(s)
	if err != nil {
		return fmt.Errorf("unable to find binary at %s: %w", s, err)
	}
	p.path, err = filepath.Abs(found)
	return err
}

// postRendererArgs is the flag --post-renderer-args.
type postRendererArgs postRenderer

func (p *postRendererArgs) String() string { return "[" + strings.Join(p.args, ",") + "]" }
func (p *postRendererArgs) Type() string   { return "postRendererArgsSlice" }

func (p *postRendererArgs) Set(s string) error {
	p.args = append(p.args, s)
	return nil
}

func (p *postRendererArgs) Append(s string) error { return p.Set(s) }

func (p *postRendererArgs) Replace(list []string) error {
	p.args = list
	return nil
}

func (p *postRendererArgs) GetSlice() []string { return p.args }
