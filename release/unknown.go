package release

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	helm "helm.sh/helm/v3/pkg/release"
)

// unknown holds the fields of a JSON object that Helm 3's types do not have.
// It never changes once it is made.
type unknown struct {
	fields []member
	// below are the unknown fields of objects further down: by field name, and
	// in a list by the identity of the element.
	below map[string]*unknown
}

// member is a name and its value, both verbatim but for name.
type member struct {
	name          string
	quoted, value []byte
}

// shape is what Helm 3 knows of a JSON value: an object with these fields, or
// a list of such objects. One without fields is taken as it is.
type shape struct {
	fields map[string]*shape
	list   bool
}

// recordShape is that of a whole record.
var recordShape = func() *shape {
	s := shapeOf(reflect.TypeFor[helm.Release]())
	s.fields["apply_method"] = &shape{}          // Record.ApplyMethod
	delete(s.fields["info"].fields, "resources") // see Decode
	return s
}()

// shapeOf reads the JSON names off a type.
func shapeOf(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return &shape{}
	}
	switch t.Kind() {
	case reflect.Slice:
		s := shapeOf(t.Elem())
		return &shape{fields: s.fields, list: s.fields != nil}
	case reflect.Struct:
		s := &shape{fields: map[string]*shape{}}
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.IsExported() && name != "-" && name != "" {
				s.fields[name] = shapeOf(f.Type)
			}
		}
		return s
	}
	return &shape{}
}

// field finds a field as encoding/json does, whatever its case, and returns
// how it is known; nil if it is not.
func (s *shape) field(name string) (string, *shape) {
	if f := s.fields[name]; f != nil {
		return name, f
	}
	for known, f := range s.fields {
		if strings.EqualFold(known, name) {
			return known, f
		}
	}
	return "", nil
}

// collect returns the unknown fields of a valid JSON value, nil if there are none.
func collect(raw []byte, s *shape) *unknown {
	if s.fields == nil {
		return nil
	}
	var u unknown
	if s.list {
		names, element := identities{}, &shape{fields: s.fields}
		for _, e := range elements(raw) {
			u.add(names.of(members(e)), collect(e, element))
		}
	} else {
		for _, m := range members(raw) {
			if known, f := s.field(m.name); f == nil {
				u.fields = append(u.fields, m)
			} else {
				u.add(known, collect(m.value, f))
			}
		}
	}
	if u.fields == nil && u.below == nil {
		return nil
	}
	return &u
}

// add keeps what is unknown below, if anything.
func (u *unknown) add(name string, below *unknown) {
	if below == nil {
		return
	}
	if u.below == nil {
		u.below = map[string]*unknown{}
	}
	u.below[name] = below
}

// merge puts unknown fields back into JSON that was written from Helm's types.
// Those of objects that are there no more are left out.
func merge(raw []byte, s *shape, u *unknown) []byte {
	if u == nil || bytes.Equal(raw, []byte("null")) {
		return raw
	}
	var out bytes.Buffer
	if s.list {
		names, element := identities{}, &shape{fields: s.fields}
		out.WriteByte('[')
		for i, e := range elements(raw) {
			separate(&out, i)
			out.Write(merge(e, element, u.below[names.of(members(e))]))
		}
		out.WriteByte(']')
		return out.Bytes()
	}
	out.WriteByte('{')
	for i, m := range append(members(raw), u.fields...) {
		separate(&out, i)
		out.Write(m.quoted)
		out.WriteByte(':')
		if f := s.fields[m.name]; f != nil {
			out.Write(merge(m.value, f, u.below[m.name]))
		} else {
			out.Write(m.value)
		}
	}
	out.WriteByte('}')
	return out.Bytes()
}

func separate(out *bytes.Buffer, i int) {
	if i > 0 {
		out.WriteByte(',')
	}
}

// identities tells the elements of a list apart by what names them, so that
// one is found again after others were taken out.
type identities map[string]int

func (seen identities) of(members []member) string {
	id := make(map[string]string, 3)
	for _, m := range members {
		switch m.name {
		case "name", "kind", "path":
			var s string
			if json.Unmarshal(m.value, &s) == nil {
				id[m.name] = s
			}
		}
	}
	key := fmt.Sprintf("%q %q %q", id["name"], id["kind"], id["path"])
	seen[key]++
	return fmt.Sprintf("%s %d", key, seen[key])
}
