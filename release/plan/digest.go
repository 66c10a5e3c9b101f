package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/e6d26078/slipway/release/manifest"
)

// APIVersion is the version of the JSON of plans and plan files. It changes
// when a reader of the old form would misread the new one.
const APIVersion = "slipway.dev/v1"

// document is the JSON form of a plan.
type document struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Release    string    `json:"release"`
	Namespace  string    `json:"namespace"`
	Revision   int       `json:"revision"`
	Operation  Operation `json:"operation"`
	Digest     string    `json:"digest"`
	Summary    Summary   `json:"summary"`
	Changes    []Change  `json:"changes"`
	Hooks      []Hook    `json:"hooks"`
}

// JSON writes the plan as an indented document of kind Plan, with the digest
// and the numbers. Unchanged objects are in it.
func (p *Plan) JSON() ([]byte, error) {
	return indented(document{
		APIVersion: APIVersion, Kind: "Plan",
		Release: p.Release, Namespace: p.Namespace, Revision: p.Revision, Operation: p.Operation,
		Digest: p.Digest(), Summary: p.Summary(), Changes: notNil(p.Changes), Hooks: notNil(p.Hooks),
	})
}

// driftDocument is the JSON form of a drift.
type driftDocument struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Release    string        `json:"release"`
	Namespace  string        `json:"namespace"`
	Objects    []ObjectDrift `json:"objects"`
}

// DriftJSON writes a drift as an indented document of kind Drift.
func DriftJSON(release, namespace string, drifts []ObjectDrift) ([]byte, error) {
	return indented(driftDocument{APIVersion, "Drift", release, namespace, notNil(drifts)})
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Digest is "sha256:" and the hexadecimal digest of what the plan would do:
// the operation, each object with a request, a problem or a reason to be kept,
// its wanted content and how the live one would change, and the hooks. Two
// plans of one target have the same digest unless the cluster has moved in
// between in a way that matters.
//
// No content of a Secret goes into it, so that nobody can guess at one: a
// Secret counts by its keys, the lengths of their values, and the version that
// the server gave the live object.
func (p *Plan) Digest() string {
	sum := sha256.New()
	// Neither the encoder, with these types, nor the digest can fail.
	encoder := json.NewEncoder(sum)
	_ = encoder.Encode([]any{APIVersion, p.Release, p.Namespace, p.Revision, p.Operation})
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == Unchanged && !c.Send {
			continue
		}
		_ = encoder.Encode(digested{Change: c, Wanted: c.digestedObject(), LiveState: c.digestedState()})
	}
	_ = encoder.Encode(p.Hooks)
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// digested is the part of a change that counts for a digest.
type digested struct {
	*Change
	Wanted    map[string]any
	LiveState string
}

// digestedObject is what would be sent.
func (c *Change) digestedObject() map[string]any {
	if !c.Send || c.Action == Delete {
		return nil
	}
	return withoutSecretData(c.Object.Fields)
}

// digestedState stands for the content of a live Secret.
func (c *Change) digestedState() string {
	if !isSecret(c.Ref) {
		return ""
	}
	return c.liveState
}

// Objects are those to be sent, in the plan's order.
func (p *Plan) Objects() []manifest.Object {
	var objects []manifest.Object
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Send && c.Action != Delete {
			objects = append(objects, c.Object)
		}
	}
	return objects
}
