package cli

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// junitReport is the file of --junit: a test case for the operation, and one
// for each hook, object and gate. Nil does nothing. It is not safe for concurrent use.
type junitReport struct {
	name  string
	begun time.Time
	cases []*junitCase
	byKey map[string]*junitCase
}

// junitCase is one test case.
type junitCase struct {
	begun, ended time.Time
	class, name  string
	failure      string // empty if it went well
	detail       string
	done         bool
}

// newJUnit makes sure that there is a folder for the file, which is written at the end.
func newJUnit(name string, now time.Time) (*junitReport, error) {
	info, err := os.Stat(filepath.Dir(name))
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a folder", filepath.Dir(name))
	}
	if err != nil {
		return nil, machineFault(fmt.Errorf("--junit: %w", err))
	}
	return &junitReport{name: name, begun: now, byKey: map[string]*junitCase{}}, nil
}

// note takes up what a notice tells of an object.
func (j *junitReport) note(n deploy.Notice) {
	if j != nil && n.Step == deploy.StepRollout {
		j.step(n)
		return
	}
	if j == nil || n.Ref == (manifest.Ref{}) || n.Step == deploy.StepWarning || n.Step == deploy.StepLog {
		return
	}
	class, name := "objects", n.Ref.String()
	if n.Step == deploy.StepHook {
		if n.Action == "deleted" {
			return
		}
		class, name = "hooks", n.Message+" "+name
	}
	c := j.find(class, name, n.Time)
	c.ended = n.Time
	c.done = n.Action != "running" && n.Action != "waiting"
	if n.Action == "failed" {
		c.failure = "failed"
	}
}

// step takes up a phase of a rollout. A step is a test case that has passed when
// its gate is reached, or the phase after it.
func (j *junitReport) step(n deploy.Notice) {
	place, atStep := strings.CutPrefix(n.Message, n.Action+" step ")
	name, why, hasFailed := strings.Cut(place, " %: ")
	name = strings.TrimSuffix(name, " %")
	if !atStep {
		_, why, hasFailed = strings.Cut(n.Message, n.Action+": ")
	}
	for _, c := range j.cases {
		switch {
		case c.class != "gates" || c.done || c.failure != "":
		case atStep && c.name == name:
		case !atStep && hasFailed && n.Action != "measured":
			c.failure = why
		case n.Action != "measured":
			c.done = true
		}
	}
	if !atStep {
		return
	}
	c := j.find("gates", name, n.Time)
	c.ended, c.done = n.Time, n.Action == "gate"
	if hasFailed {
		c.failure = why
	}
}

func (j *junitReport) find(class, name string, now time.Time) *junitCase {
	key := class + "/" + name
	c := j.byKey[key]
	if c == nil {
		c = &junitCase{class: class, name: name, begun: now, ended: now}
		j.byKey[key] = c
		j.cases = append(j.cases, c)
	}
	return c
}

// blame marks the cases that an error is about.
func (j *junitReport) blame(failure error, now time.Time) {
	var notReady *deploy.NotReadyError
	if errors.As(failure, &notReady) {
		for _, o := range notReady.Objects {
			c := j.find("objects", o.Ref.String(), now)
			c.failure, c.detail = o.Message, strings.Join(o.Detail, "\n")
			if c.failure == "" {
				c.failure = "not ready"
			}
		}
	}
	var hook *deploy.HookFailedError
	if errors.As(failure, &hook) {
		for _, c := range j.cases {
			if c.class == "hooks" && strings.HasSuffix(c.name, " "+hook.Ref.String()) {
				c.failure, c.detail = hook.Message, strings.Join(hook.Detail, "\n")
			}
		}
	}
	for _, c := range j.cases {
		if failure != nil && !c.done && c.failure == "" {
			c.failure = "not finished"
		}
	}
}

// The elements of the file.
type (
	junitSuite struct {
		XMLName  xml.Name      `xml:"testsuite"`
		Name     string        `xml:"name,attr"`
		Tests    int           `xml:"tests,attr"`
		Failures int           `xml:"failures,attr"`
		Time     string        `xml:"time,attr"`
		Stamp    string        `xml:"timestamp,attr"`
		Cases    []junitXMLOne `xml:"testcase"`
	}
	junitXMLOne struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// write puts the report in the place of an earlier one, at once. The name is
// that of the operation, such as "upgrade web".
func (j *junitReport) write(name string, failure error, now time.Time) error {
	if j == nil {
		return nil
	}
	j.blame(failure, now)
	whole := &junitCase{class: "operation", name: name, begun: j.begun, ended: now, done: true}
	if failure != nil {
		whole.failure = printable(failure.Error())
	}
	suite := junitSuite{Name: "slipway " + name, Time: seconds(now.Sub(j.begun)), Stamp: j.begun.UTC().Format(time.RFC3339)}
	for _, c := range append([]*junitCase{whole}, j.cases...) {
		one := junitXMLOne{Class: "slipway." + c.class, Name: c.name, Time: seconds(c.ended.Sub(c.begun))}
		if c.failure != "" {
			one.Failure = &junitFailure{c.failure, c.detail}
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, one)
	}
	suite.Tests = len(suite.Cases)
	data, err := xml.MarshalIndent(suite, "", "  ")
	if err == nil {
		err = replaceFile(j.name, append([]byte(xml.Header), append(data, '\n')...))
	}
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// replaceFile writes a file by way of another one next to it, so that nobody
// ever reads half of it. A pipe or a device stays what it is and is written to.
func replaceFile(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, 0o644)
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Chmod(0o644)
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
