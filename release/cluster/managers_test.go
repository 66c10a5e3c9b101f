package cluster

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestManagedFieldsAreHandedOver(t *testing.T) {
	const release = `annotations: {meta.helm.sh/release-name: shop}`
	for name, test := range map[string]struct {
		managed string // of the live object
		live    string // the rest of its metadata
		want    string // managed fields after it, "" for no patch
	}{
		"nothing of a server-side helm": {
			`[{manager: helm, operation: Apply, apiVersion: v1, fieldsV1: {"f:data": {"f:a": {}}}}]`, release, "",
		},
		"all of a client-side helm": {
			`[{manager: helm, operation: Update, apiVersion: v1, time: "2026-01-01T00:00:00Z", fieldsType: FieldsV1, fieldsV1: {"f:data": {"f:a": {}}}},
			  {manager: hpa, operation: Update, apiVersion: v1, subresource: scale, fieldsV1: {"f:data": {"f:b": {}}}}]`, release,
			`[{manager: hpa, operation: Update, apiVersion: v1, subresource: scale, fieldsV1: {"f:data": {"f:b": {}}}},
			  {manager: helm, operation: Apply, apiVersion: v1, time: "2026-01-01T00:00:00Z", fieldsType: FieldsV1, fieldsV1: {"f:data": {"f:a": {}}}}]`,
		},
		"what several executables of Helm left, and a server-side one": {
			`[{manager: helm3, operation: Update, apiVersion: v1, fieldsV1: {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}, "f:data": {"f:a": {}}}},
			  {manager: helm.exe, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:b": {}}}},
			  {manager: helm, operation: Update, apiVersion: v1beta1, fieldsV1: {"f:data": {"f:old": {}}}},
			  {manager: helm, operation: Apply, apiVersion: v1, fieldsV1: {"f:data": {"f:c": {}}}}]`, release,
			`[{manager: helm, operation: Apply, apiVersion: v1, fieldsV1:
			  {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}, "f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}}]`,
		},
		"not what a controller does to the status under Helm's name": {
			`[{manager: helm, operation: Update, subresource: status, apiVersion: v1, fieldsV1: {"f:status": {}}}]`, release, "",
		},
		"not what kubectl changed on an object of a release": {
			`[{manager: kubectl-client-side-apply, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:a": {}}}}]`, release, "",
		},
		"the wanted part of what kubectl left on an object that is adopted": {
			`[{manager: kubectl-client-side-apply, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:a": {}, "f:mine": {}}}},
			  {manager: kubectl-create, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:b": {}}}}]`, `labels: {}`,
			`[{manager: kubectl-client-side-apply, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:mine": {}}}},
			  {manager: helm, operation: Apply, apiVersion: v1, fieldsV1: {"f:data": {"f:a": {}, "f:b": {}}}}]`,
		},
		"nothing of kubectl's that is not wanted": {
			`[{manager: kubectl-create, operation: Update, apiVersion: v1, fieldsV1: {"f:data": {"f:mine": {}}}}]`, `labels: {}`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			live := parse(t, `metadata: {resourceVersion: "7", managedFields: `+test.managed+`, `+test.live+`}`)
			before := parse(t, `metadata: {resourceVersion: "7", managedFields: `+test.managed+`, `+test.live+`}`)
			wanted := parse(t, `{metadata: {`+release+`}, data: {a: "1", b: "2"}}`)
			patch, err := migration(live, wanted)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, live); diff != "" {
				t.Errorf("the live object was changed:\n%s", diff)
			}
			if test.want == "" {
				if patch != nil {
					t.Errorf("want no patch, have %s", patch)
				}
				return
			}
			var steps []map[string]any
			if err := json.Unmarshal(patch, &steps); err != nil {
				t.Fatalf("%v in %s", err, patch)
			}
			want := []map[string]any{
				{"op": "replace", "path": "/metadata/managedFields", "value": parse(t, "v: "+test.want)["v"]},
				{"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
			}
			if diff := cmp.Diff(want, steps); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestManagedFieldsThatCannotBeReadAreAnError(t *testing.T) {
	live := parse(t, `metadata: {managedFields: [{manager: helm, operation: Update, apiVersion: v1, fieldsV1: {"x": 1}}]}`)
	if _, err := migration(live, nil); err == nil {
		t.Error("managed fields that cannot be read are no error")
	}
}
