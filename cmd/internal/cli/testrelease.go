package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

const testLong = `Run the tests of a release: the hooks of its chart with the event "test", in the
order of their weights. A test is a Job or a Pod, and succeeds when that does.`

type testOptions struct {
	deploy.TestOptions
	filter    []string
	hideNotes bool
	output    outputFormat
	operation operationFlags
}

func newTest(a *app) *cobra.Command {
	o := &testOptions{}
	cmd := &cobra.Command{
		Use:   "test [RELEASE]",
		Short: "run tests for a release",
		Long:  testLong,
		Args:  exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runTest(cmd.Context(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.filter, "filter", nil, `specify tests by attribute (currently "name") using attribute=value syntax or '!attribute=value' to exclude a test (can specify multiple or separate values with commas: name=test1,name=test2)`)
	f.BoolVar(&o.Logs, "logs", false, "dump the logs from test pods")
	f.BoolVar(&o.hideNotes, "hide-notes", false, "if set, do not show notes in test output. Does not affect presence in chart metadata")
	f.DurationVar(&o.Timeout, "timeout", helmTimeout, "time that each test may take")
	o.output.register(f)
	o.operation.register(f)
	return cmd
}

// select takes the filters apart as Helm does: what is neither form counts not at all.
func (o *testOptions) selectTests() {
	notName := regexp.MustCompile(`^!\s?name=`)
	for _, filter := range o.filter {
		if name, ok := strings.CutPrefix(filter, "name="); ok {
			o.Only = append(o.Only, name)
		} else if notName.MatchString(filter) {
			o.Except = append(o.Except, notName.ReplaceAllLiteralString(filter, ""))
		}
	}
}

func (a *app) runTest(ctx context.Context, o *testOptions, name string) error {
	if err := checkReleaseName(name); err != nil {
		return err
	}
	o.selectTests()
	return a.operate(ctx, &o.operation, "test "+name, func(config deploy.Config) error {
		var logs strings.Builder
		report := config.Observe
		config.Observe = func(n deploy.Notice) {
			if o.Logs && n.Step == deploy.StepLog {
				logs.WriteString(podLogs(n.Ref, n.Message))
				return
			}
			report(n)
		}
		result, err := deploy.Test(ctx, config, name, o.TestOptions)
		if result == nil || result.Record == nil {
			return missingRelease(err, "release: not found")
		}
		shown := deployFlags{output: o.output, hideNotes: o.hideNotes}
		printErr := a.printRelease(&shown, result.Record, "")
		if o.Logs && printErr == nil {
			printErr = a.print("\n" + logs.String())
		}
		return errors.Join(err, printErr)
	})
}

// podLogs is how Helm prints the log of a test.
func podLogs(ref manifest.Ref, text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return fmt.Sprintf("POD LOGS: %s\n%s\n", ref.Name, text)
}
