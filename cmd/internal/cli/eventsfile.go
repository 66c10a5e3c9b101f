package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// eventsVersion is the version of the lines in an events file.
const eventsVersion = "slipway.dev/v1"

// eventsFile is the file of --events-file. Nil writes nothing. It is not safe
// for concurrent use.
type eventsFile struct {
	file      *os.File
	operation string
	err       error // the first one
}

// eventLine is a line of the file. docs/schema/events.v1.json is its schema.
type eventLine struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Time       time.Time     `json:"time"`
	Operation  string        `json:"operation"`
	Step       deploy.Step   `json:"step"`
	Object     *manifest.Ref `json:"object,omitempty"`
	Action     string        `json:"action,omitempty"`
	Message    string        `json:"message,omitempty"`
}

// openEvents opens a file for the events of an operation such as "upgrade web".
func openEvents(name, operation string) (*eventsFile, error) {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, machineFault(fmt.Errorf("open the events file: %w", err))
	}
	return &eventsFile{file: file, operation: operation}, nil
}

// write appends a line. Once one could not be written no more are, since a
// line may be there in part.
func (f *eventsFile) write(n deploy.Notice) {
	if f == nil || f.err != nil {
		return
	}
	line := eventLine{APIVersion: eventsVersion, Kind: "Event", Time: n.Time.UTC(), Operation: f.operation, Step: n.Step, Action: n.Action, Message: n.Message}
	if n.Ref != (manifest.Ref{}) {
		line.Object = &n.Ref
	}
	data, err := json.Marshal(line)
	if err == nil {
		_, err = f.file.Write(append(data, '\n'))
	}
	f.err = err
}

func (f *eventsFile) close() error {
	if f == nil {
		return nil
	}
	if err := errors.Join(f.err, f.file.Close()); err != nil {
		return fmt.Errorf("write the events file: %w", err)
	}
	return nil
}
