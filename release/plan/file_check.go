package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// shape is what a mapping of a plan file may have. A nil shape is a scalar or
// a list of scalars.
type shape struct {
	fields map[string]*shape
	free   bool // any JSON
}

var (
	freeShape = &shape{free: true}
	refShape  = &shape{fields: leaves("apiVersion", "kind", "namespace", "name")}
	fileShape = &shape{fields: with(leaves("apiVersion", "kind", "release", "namespace", "operation", "baseRevision", "inputs", "digest"),
		map[string]*shape{
			"summary": {fields: leaves("create", "update", "recreate", "delete", "keep", "unchanged", "refused")},
			"changes": {fields: with(leaves("action", "source", "crd", "estimated", "send", "reason", "ownership"), map[string]*shape{
				"object": refShape,
				"fields": {fields: with(leaves("path", "op", "masked", "managers"), map[string]*shape{
					"old": freeShape, "new": freeShape,
				})},
				"owner": {fields: leaves("release", "namespace", "managedBy")},
				"problem": {fields: with(leaves("kind", "message", "fields"), map[string]*shape{
					"conflicts": {fields: leaves("manager", "field")},
				})},
			})},
			"hooks":   {fields: leaves("event", "kind", "name", "source", "weight", "deletePolicies")},
			"payload": {fields: leaves("secret", "openpgp")},
		})}
)

func leaves(names ...string) map[string]*shape {
	fields := make(map[string]*shape, len(names))
	for _, name := range names {
		fields[name] = nil
	}
	return fields
}

func with(fields, more map[string]*shape) map[string]*shape {
	for name, s := range more {
		fields[name] = s
	}
	return fields
}

// structureCheck walks through JSON and refuses what encoding/json would let
// pass: fields that are there twice, or spelled with other capitals, or unknown.
type structureCheck struct {
	data    []byte
	decoder *json.Decoder
	path    string           // where it stopped
	offsets map[string]int64 // of the fields that have a shape, after their keys
	depth   int
	failed  int64 // offset of a syntax error, 0 if there is none
}

func newStructureCheck(data []byte) *structureCheck {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return &structureCheck{data: data, decoder: decoder, offsets: map[string]int64{}}
}

func (c *structureCheck) offset() int64 {
	if c.failed > 0 {
		return c.failed
	}
	return c.decoder.InputOffset()
}

// line is that of an offset, 0 for no offset.
func (c *structureCheck) line(offset int64) int {
	if offset <= 0 {
		return 0
	}
	return bytes.Count(c.data[:min(offset, int64(len(c.data)))], []byte("\n")) + 1
}

func (c *structureCheck) run() error {
	if err := c.value(fileShape, ""); err != nil {
		return err
	}
	c.path = ""
	switch _, err := c.token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("something follows the document")
}

func (c *structureCheck) token() (json.Token, error) {
	token, err := c.decoder.Token()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		c.failed = syntax.Offset
	}
	return token, err
}

func (c *structureCheck) value(s *shape, path string) error {
	c.path = path
	token, err := c.token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if c.depth++; c.depth > maxFileDepth {
		return fmt.Errorf("more than %d levels", maxFileDepth)
	}
	switch token {
	case json.Delim('{'):
		err = c.mapping(s, path)
	case json.Delim('['):
		for i := 0; c.decoder.More() && err == nil; i++ {
			element := path
			if s == nil || !s.free {
				element = fmt.Sprintf("%s[%d]", path, i)
			}
			err = c.value(s, element)
		}
		if err == nil {
			_, err = c.token()
		}
	}
	c.depth--
	return err
}

func (c *structureCheck) mapping(s *shape, path string) error {
	if s == nil {
		return errors.New("a mapping cannot stand here")
	}
	seen := map[string]bool{}
	for c.decoder.More() {
		token, err := c.token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		field := path // inside free JSON that of the whole
		switch {
		case s.free:
		case path == "":
			field = key
		default:
			field = path + "." + key
		}
		c.path = field
		next, known := s.fields[key]
		switch {
		case s.free:
			next = s
		case !known:
			return errors.New("unknown field")
		}
		if seen[key] {
			return errors.New("this field is there twice")
		}
		seen[key] = true
		if !s.free {
			c.offsets[field] = c.decoder.InputOffset()
		}
		if err := c.value(next, field); err != nil {
			return err
		}
	}
	_, err := c.token()
	return err
}
