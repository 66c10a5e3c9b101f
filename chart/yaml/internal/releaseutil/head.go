// Package releaseutil holds the one type whose name shows up in Helm's error texts.
//
// When a manifest is not an object, encoding/json answers "cannot unmarshal string into Go value of type
// releaseutil.SimpleHead". Users search for that line, so the type that we hand to the JSON decoder on the error path
// carries the same package and type name.
package releaseutil

// SimpleHead is the part of a manifest that identifies it. Metadata is a type without a name on purpose: the names of
// the types are part of the JSON decoder's error texts.
type SimpleHead struct {
	Version  string `json:"apiVersion"`
	Kind     string `json:"kind,omitempty"`
	Metadata *struct {
		Name        string            `json:"name"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata,omitempty"`
}
