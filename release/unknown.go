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

// member is a name and its value, verbatim.
type member struct {
	name  string
	value json.RawMessage
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

// collect returns the unknown fields of a JSON value, nil if there are none.
func collect(raw json.RawMessage, s *shape) (*unknown, error) {
	if s.fields == nil {
		return nil, nil
	}
	if s.list {
		elements, err := list(raw)
		if err != nil {
			return nil, err
		}
		var u unknown
		names := identities{}
		for _, e := range elements {
			members, err := object(e)
			if err != nil {
				return nil, err
			}
			if err := u.add(names.of(members), e, &shape{fields: s.fields}); err != nil {
				return nil, err
			}
		}
		return u.orNil(), nil
	}
	members, err := object(raw)
	if err != nil {
		return nil, err
	}
	var u unknown
	for _, m := range members {
		if known, f := s.field(m.name); f == nil {
			u.fields = append(u.fields, m)
		} else if err := u.add(known, m.value, f); err != nil {
			return nil, err
		}
	}
	return u.orNil(), nil
}

// add collects what is unknown below.
func (u *unknown) add(name string, raw json.RawMessage, s *shape) error {
	b, err := collect(raw, s)
	if b == nil || err != nil {
		return err
	}
	if u.below == nil {
		u.below = map[string]*unknown{}
	}
	u.below[name] = b
	return nil
}

func (u *unknown) orNil() *unknown {
	if u.fields == nil && u.below == nil {
		return nil
	}
	return u
}

// merge puts unknown fields back into JSON that was written from Helm's types.
// Those of objects that are there no more are left out.
func merge(raw json.RawMessage, s *shape, u *unknown) (json.RawMessage, error) {
	if u == nil || bytes.Equal(raw, []byte("null")) {
		return raw, nil
	}
	var out bytes.Buffer
	if s.list {
		elements, err := list(raw)
		if err != nil {
			return nil, err
		}
		out.WriteByte('[')
		names := identities{}
		for i, e := range elements {
			members, err := object(e)
			if err != nil {
				return nil, err
			}
			merged, err := merge(e, &shape{fields: s.fields}, u.below[names.of(members)])
			if err != nil {
				return nil, err
			}
			separate(&out, i)
			out.Write(merged)
		}
		out.WriteByte(']')
		return out.Bytes(), nil
	}
	members, err := object(raw)
	if err != nil {
		return nil, err
	}
	out.WriteByte('{')
	for i, m := range append(members, u.fields...) {
		value := m.value
		if f := s.fields[m.name]; f != nil {
			if value, err = merge(value, f, u.below[m.name]); err != nil {
				return nil, err
			}
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		separate(&out, i)
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
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

// object splits a JSON object; null and other values have no members.
func object(raw json.RawMessage) ([]member, error) {
	dec, err := inside(raw, '{')
	if dec == nil {
		return nil, err
	}
	var members []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := dec.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// list splits a JSON array; null and other values have no elements.
func list(raw json.RawMessage) ([]json.RawMessage, error) {
	dec, err := inside(raw, '[')
	if dec == nil {
		return nil, err
	}
	var elements []json.RawMessage
	for dec.More() {
		var e json.RawMessage
		if err := dec.Decode(&e); err != nil {
			return nil, err
		}
		elements = append(elements, e)
	}
	return elements, nil
}

// inside returns a decoder behind an opening bracket, or nil if there is another value.
func inside(raw json.RawMessage, bracket json.Delim) (*json.Decoder, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	t, err := dec.Token()
	if err != nil || t != bracket {
		return nil, err
	}
	return dec, nil
}
