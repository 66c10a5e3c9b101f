package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// File is a plan that waits for its approval, as `plan --out` writes it: what
// would change, for people to read, and where the frozen target is, the chart,
// values and manifest that `apply --plan` uses. It has nothing secret in it:
// the target is encrypted or kept in the cluster.
type File struct {
	Release      string    `json:"release"`
	Namespace    string    `json:"namespace"`
	Operation    Operation `json:"operation"`
	BaseRevision int       `json:"baseRevision"` // the newest when the plan was made, 0 for none
	Inputs       string    `json:"inputs"`       // digest of the operation's inputs
	Digest       string    `json:"digest"`       // of the plan
	Summary      Summary   `json:"summary"`
	Changes      []Change  `json:"changes"`
	Hooks        []Hook    `json:"hooks"`
	Payload      Payload   `json:"payload"`
}

// Payload says where the frozen target is. Exactly one field is set.
type Payload struct {
	Secret  string `json:"secret,omitempty"`  // name of a Secret in the release's namespace
	OpenPGP string `json:"openpgp,omitempty"` // an armoured message, see package seal
}

// NewFile makes the file of a plan.
func NewFile(p *Plan, baseRevision int, inputs string, payload Payload) *File {
	return &File{
		Release: p.Release, Namespace: p.Namespace, Operation: p.Operation, BaseRevision: baseRevision,
		Inputs: inputs, Digest: p.Digest(), Summary: p.Summary(),
		Changes: notNil(p.Changes), Hooks: notNil(p.Hooks), Payload: payload,
	}
}

// Text writes the planned changes for people, as [Plan.Text] does.
func (f *File) Text(w io.Writer, options TextOptions) error {
	p := Plan{Release: f.Release, Namespace: f.Namespace, Revision: f.BaseRevision + 1, Operation: f.Operation,
		Changes: f.Changes, Hooks: f.Hooks}
	return p.Text(w, options)
}

// fileDocument is the JSON form of a file.
type fileDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	*File
}

const fileKind = "PlanFile"

// The limits of [ParseFile].
const (
	maxFileBytes = 32 << 20
	maxFileDepth = 200
)

// FileError says what is wrong with a plan file.
type FileError struct {
	File  string
	Line  int    // counted from 1, 0 if it is about no line
	Field string // such as changes[3].action, "" if it is about none
	Err   error
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// Write puts the file at a path, readable by its owner alone. A file that is
// there is replaced in one step, so that nobody ever reads half of one. A pipe or
// a device stays what it is and is written to.
func (f *File) Write(path string) (err error) {
	data, err := indented(fileDocument{APIVersion, fileKind, f})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := ParseFile(path, data); err != nil {
		return fmt.Errorf("write a file that could not be read again: %w", err)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o600) // its error names the path
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".plan-*") // has mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err = temp.Write(data); err != nil {
		return err
	}
	if err = temp.Sync(); err != nil {
		return err
	}
	if err = temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// ReadFile reads the plan file at a path. The error is a *[FileError] or, if
// the path cannot be read, that of the file system.
func ReadFile(path string) (*File, error) {
	source, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	data, err := io.ReadAll(io.LimitReader(source, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return ParseFile(path, data)
}

// ParseFile reads a plan file; name is for errors. It takes only what [File]
// describes, each field once and spelled as there. The error is a *[FileError].
func ParseFile(name string, data []byte) (*File, error) {
	if len(data) > maxFileBytes {
		return nil, &FileError{File: name, Err: fmt.Errorf("larger than %d bytes", maxFileBytes)}
	}
	check := newStructureCheck(data)
	if err := check.run(); err != nil {
		return nil, &FileError{File: name, Line: check.line(check.offset()), Field: check.path, Err: err}
	}
	d := fileDocument{File: &File{}}
	if err := json.Unmarshal(data, &d); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			return nil, &FileError{File: name, Line: check.line(mismatch.Offset), Field: strings.TrimPrefix(mismatch.Field, "File."),
				Err: fmt.Errorf("a %s cannot stand here", mismatch.Value)}
		}
		return nil, &FileError{File: name, Err: err}
	}
	if field, err := d.validate(); err != nil {
		return nil, &FileError{File: name, Line: check.line(check.offsets[field]), Field: field, Err: err}
	}
	return d.File, nil
}

var (
	digestForm    = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	nameForm      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)
	messageStart  = "-----BEGIN PGP MESSAGE-----"
	errNotAllowed = errors.New("not one of the allowed values")
)

// validate checks what types cannot, and names the field that is wrong.
func (d *fileDocument) validate() (field string, err error) {
	switch {
	case d.APIVersion != APIVersion:
		return "apiVersion", fmt.Errorf("%q is not %q", d.APIVersion, APIVersion)
	case d.Kind != fileKind:
		return "kind", fmt.Errorf("%q is not %q", d.Kind, fileKind)
	case !isName(d.Release, 53):
		return "release", errors.New("not a release name")
	case !isName(d.Namespace, 63):
		return "namespace", errors.New("not a namespace")
	case events[d.Operation] == nil:
		return "operation", errNotAllowed
	case d.BaseRevision < 0:
		return "baseRevision", errors.New("less than 0")
	case !digestForm.MatchString(d.Inputs):
		return "inputs", errors.New("not a digest")
	case !digestForm.MatchString(d.Digest):
		return "digest", errors.New("not a digest")
	case (d.Payload.Secret == "") == (d.Payload.OpenPGP == ""):
		return "payload", errors.New("needs either secret or openpgp")
	case d.Payload.Secret != "" && !isName(d.Payload.Secret, 253):
		return "payload.secret", errors.New("not a name")
	case d.Payload.OpenPGP != "" && !strings.HasPrefix(d.Payload.OpenPGP, messageStart):
		return "payload.openpgp", errors.New("not an armoured message")
	}
	for i := range d.Changes {
		if field, err := d.Changes[i].validate(); err != nil {
			return fmt.Sprintf("changes[%d].%s", i, field), err
		}
	}
	if d.Summary != summarise(d.Changes) {
		return "summary", errors.New("does not count the changes")
	}
	for i, h := range d.Hooks {
		if h.Kind == "" || h.Name == "" || h.Event == "" {
			return fmt.Sprintf("hooks[%d]", i), errors.New("needs an event, a kind and a name")
		}
	}
	return "", nil
}

func isName(s string, length int) bool { return len(s) <= length && nameForm.MatchString(s) }

func (c *Change) validate() (field string, err error) {
	switch {
	case looks[c.Action].sign == "":
		return "action", errNotAllowed
	case c.Ref == manifest.Ref{} || c.Ref.Kind == "" || c.Ref.APIVersion == "":
		return "object", errors.New("needs an apiVersion, a kind and a name")
	case (c.Action == Refused) != (c.Problem != nil):
		return "problem", errors.New("stands beside the action refused, and only there")
	}
	switch c.Ownership {
	case Absent, Ours, Adoptable, Foreign:
	default:
		return "ownership", errNotAllowed
	}
	for i := range c.Fields {
		switch c.Fields[i].Op {
		case Added, Removed, Changed, Moved:
		default:
			return fmt.Sprintf("fields[%d].op", i), errNotAllowed
		}
	}
	return "", nil
}
