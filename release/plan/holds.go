package plan

import (
	"encoding/base64"
	"strings"
)

// Holds reports whether the live object has every field of the wanted one
// with the wanted value, so that applying it again would not change it,
// provided that nothing was taken out of the document since. False is no
// proof of a difference: values may be spelled in another way.
//
// Mappings may have more fields in the live object, lists must have the same
// length and hold each other element by element. A wanted null stands for no
// field. For the kinds that Kubernetes itself defines it knows what the API
// server makes of an object: it writes quantities in one way, turns a Secret's
// stringData into data, and leaves out empty lists and some zero values.
// The status is not compared for these kinds.
func Holds(live, wanted map[string]any) bool {
	h := newHolder(wanted)
	if wanted["kind"] == "Secret" && wanted["apiVersion"] == "v1" {
		return holdsSecret(h, live, wanted)
	}
	return h.object(live, wanted, "")
}

// builtinGroups are the API groups whose objects the API server stores by
// their Go types, as against custom resources and aggregated APIs.
var builtinGroups = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true,
	"networking.k8s.io": true, "rbac.authorization.k8s.io": true, "storage.k8s.io": true,
	"scheduling.k8s.io": true, "admissionregistration.k8s.io": true, "apiextensions.k8s.io": true,
	"apiregistration.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true,
	"node.k8s.io": true, "certificates.k8s.io": true, "flowcontrol.apiserver.k8s.io": true,
}

func groupOf(object map[string]any) string {
	version, _ := object["apiVersion"].(string)
	group, _, found := strings.Cut(version, "/")
	if !found {
		return ""
	}
	return group
}

func isBuiltin(object map[string]any) bool { return builtinGroups[groupOf(object)] }

// holder compares objects of one kind. builtin kinds are those of builtinGroups;
// lenient ones have no places for free JSON, as schemas of custom resources do.
type holder struct{ builtin, lenient bool }

func newHolder(wanted map[string]any) holder {
	builtin := isBuiltin(wanted)
	return holder{builtin: builtin, lenient: builtin && groupOf(wanted) != "apiextensions.k8s.io"}
}

// object compares the top of an object, leaving out one field.
func (h holder) object(live, wanted map[string]any, skip string) bool {
	for key, want := range wanted {
		switch {
		case key == skip && skip != "", key == "status" && h.builtin:
			continue
		case key == "metadata":
			if !h.metadata(live[key], want) {
				return false
			}
		case !h.field(live, key, want, ""):
			return false
		}
	}
	return true
}

func (h holder) metadata(have, want any) bool {
	wanted, isMap := want.(map[string]any)
	live, _ := have.(map[string]any)
	for key, value := range wanted {
		if key == "creationTimestamp" && value == nil {
			continue // set by the server; tools that write manifests leave a null
		}
		if !h.field(live, key, value, "metadata") {
			return false
		}
	}
	return isMap
}

// field compares the field of a mapping that is the value of parent.
func (h holder) field(live map[string]any, key string, want any, parent string) bool {
	have := live[key]
	if want == nil {
		empty, isMap := have.(map[string]any) // a container always has resources
		return have == nil || h.lenient && key == "resources" && isMap && len(empty) == 0
	}
	if have == nil {
		return h.lenient && isDropped(live, key, want, parent)
	}
	return h.value(have, want, key, parent)
}

// value compares values; key is that of the nearest mapping above, parent that
// of the mapping itself.
func (h holder) value(have, want any, key, parent string) bool {
	switch want := want.(type) {
	case map[string]any:
		have, isMap := have.(map[string]any)
		if !isMap {
			return false
		}
		for name, value := range want {
			if !h.field(have, name, value, key) {
				return false
			}
		}
		return true
	case []any:
		have, isList := have.([]any)
		if !isList || len(have) != len(want) {
			return false
		}
		for i := range want {
			if want[i] == nil || have[i] == nil {
				if want[i] != have[i] {
					return false
				}
				continue
			}
			if !h.value(have[i], want[i], key, parent) {
				return false
			}
		}
		return true
	}
	if sameScalar(have, want) {
		return true
	}
	return h.lenient && !freeMaps[parent] && isQuantity(key, parent) && sameQuantity(have, want)
}

// sameScalar compares values that are neither mappings nor lists. Numbers
// compare by value, whatever their type.
func sameScalar(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case nil:
		return b == nil
	case int64:
		switch b := b.(type) {
		case int64:
			return a == b
		case float64:
			return sameNumber(a, b)
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return sameNumber(b, a)
		case float64:
			return a == b
		}
	}
	return false
}

func sameNumber(whole int64, number float64) bool {
	const exact = 1 << 53
	return whole > -exact && whole < exact && float64(whole) == number
}

// freeMaps hold names and values that are the user's own.
var freeMaps = map[string]bool{
	"annotations": true, "labels": true, "nodeSelector": true, "matchLabels": true, "selector": true,
	"data": true, "binaryData": true, "stringData": true, "parameters": true, "volumeAttributes": true, "options": true,
}

// Zero values that the Go types of Kubernetes leave out when they are written,
// because the field is no pointer. An absent field means the same.
var (
	droppedMaps = map[string]bool{
		"annotations": true, "labels": true, "nodeSelector": true, "matchLabels": true,
		"limits": true, "requests": true, "data": true, "binaryData": true,
	}
	droppedFalse = map[string]bool{
		"hostNetwork": true, "hostPID": true, "hostIPC": true, "readOnly": true, "stdin": true,
		"stdinOnce": true, "tty": true, "paused": true, "publishNotReadyAddresses": true,
	}
	droppedZero = map[string]bool{"minReadySeconds": true, "initialDelaySeconds": true}
	droppedText = map[string]bool{"subPath": true, "priorityClassName": true, "apiGroup": true}
)

// isDropped reports whether the server leaves out a wanted field with this value.
func isDropped(live map[string]any, key string, want any, parent string) bool {
	switch want := want.(type) {
	case []any:
		return len(want) == 0 // storage cannot tell an empty list from none
	case map[string]any:
		return len(want) == 0 && droppedMaps[key]
	case bool:
		return !want && droppedFalse[key]
	case int64:
		return want == 0 && droppedZero[key]
	case string:
		if want != "" || freeMaps[parent] {
			return false
		}
		isVariable := key == "value" && live["name"] != nil && live["valueFrom"] == nil
		return droppedText[key] || isVariable
	}
	return false
}

// holdsSecret compares a Secret, whose stringData the server writes into data.
func holdsSecret(h holder, live, wanted map[string]any) bool {
	if !h.object(live, wanted, "stringData") && !holdsSecretData(h, live, wanted) {
		return false
	}
	text, _ := wanted["stringData"].(map[string]any)
	data, _ := live["data"].(map[string]any)
	for key, want := range text {
		want, isString := want.(string)
		have, found := data[key].(string)
		if !isString || !found {
			return false
		}
		if decoded, err := base64.StdEncoding.DecodeString(have); err != nil || string(decoded) != want {
			return false
		}
	}
	return wanted["stringData"] == nil || text != nil
}

// holdsSecretData is the slow way for a Secret whose data is not spelled as
// the live one's: wrapped base64, or keys that stringData overrides.
func holdsSecretData(h holder, live, wanted map[string]any) bool {
	rest := cloneMap(wanted)
	delete(rest, "stringData")
	delete(rest, "data")
	if !h.object(live, rest, "") {
		return false
	}
	text, _ := wanted["stringData"].(map[string]any)
	want, isMap := wanted["data"].(map[string]any)
	have, _ := live["data"].(map[string]any)
	if !isMap && wanted["data"] != nil {
		return false
	}
	for key, value := range want {
		if _, overridden := text[key]; overridden {
			continue
		}
		value, isString := value.(string)
		held, found := have[key].(string)
		if !isString || !found {
			return false
		}
		a, errA := base64.StdEncoding.DecodeString(value)
		b, errB := base64.StdEncoding.DecodeString(held)
		if errA != nil || errB != nil || string(a) != string(b) {
			return false
		}
	}
	return true
}
