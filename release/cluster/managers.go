package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/e6d26078/slipway/release/deploy"
)

// releaseName is the annotation by which Helm marks the objects of a release.
const releaseName = "meta.helm.sh/release-name"

// managed is an entry of metadata.managedFields (KEP-555), as it is in an
// object that was not decoded any further.
type managed struct {
	manager, operation, subresource string
	fields                          map[string]any // FieldsV1
	entry                           map[string]any // all of it
}

// The two kinds of entries.
const (
	operationApply  = string(metav1.ManagedFieldsOperationApply)
	operationUpdate = string(metav1.ManagedFieldsOperationUpdate)
)

func managedFields(live deploy.Live) []managed {
	list, _ := nested(live, "metadata", "managedFields").([]any)
	entries := make([]managed, 0, len(list))
	for _, item := range list {
		entry, ok := item.(map[string]any)
		if !ok {
			continue
		}
		m := managed{entry: entry}
		m.manager, _ = entry["manager"].(string)
		m.operation, _ = entry["operation"].(string)
		m.subresource, _ = entry["subresource"].(string)
		m.fields, _ = entry["fieldsV1"].(map[string]any)
		entries = append(entries, m)
	}
	return entries
}

// isClientSideHelm tells whether an entry was left by a Helm that does not use
// server-side apply. Helm's manager is the name of its executable, so it is
// also told by the annotation that only a Helm sets.
func (m managed) isClientSideHelm() bool {
	if m.operation != operationUpdate || m.subresource != "" {
		return false
	}
	if strings.TrimSuffix(m.manager, ".exe") == FieldManager {
		return true
	}
	return nested(m.fields, "f:metadata", "f:annotations", "f:"+releaseName) != nil
}

// isKubectl tells whether an entry was left by a client-side kubectl.
func (m managed) isKubectl() bool {
	if m.operation != operationUpdate || m.subresource != "" {
		return false
	}
	return m.manager == "kubectl-client-side-apply" || m.manager == "kubectl-create"
}

// isOurs tells whether the fields of an entry are handed over by Apply or are
// held by server-side apply already.
func (m managed) isOurs() bool {
	return m.manager == FieldManager && m.operation == operationApply || m.isClientSideHelm()
}

// isAdoption tells whether an object is about to become part of a release.
func isAdoption(live deploy.Live, wanted map[string]any) bool {
	return nested(live, "metadata", "annotations", releaseName) == nil &&
		nested(wanted, "metadata", "annotations", releaseName) != nil
}

// migrate hands the fields that client-side tools manage over to server-side
// apply: all that a Helm left, and, when an object is adopted, those of
// kubectl's that are wanted. It returns the object as it is then.
func (w *write) migrate(ctx context.Context, live deploy.Live) (deploy.Live, error) {
	patch, err := migration(live, w.object.Fields)
	if err != nil {
		return nil, fmt.Errorf("read the managed fields of %s: %w", w.object.Ref, err)
	}
	if patch == nil {
		return live, nil
	}
	o, err := w.client.objects(w.resource, w.object.Namespace).Patch(ctx, w.object.Name, types.JSONPatchType, patch,
		metav1.PatchOptions{FieldManager: FieldManager})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return o.Object, nil
}

// migration is the JSON patch of managed fields that migrate sends, nil if
// there is nothing to hand over. All entries become one of server-side apply's;
// of those that were written in another API version than that one only the
// entry goes, as its paths may mean nothing there.
func migration(live deploy.Live, wanted map[string]any) ([]byte, error) {
	entries := managedFields(live)
	adopt := isAdoption(live, wanted)
	if !slices.ContainsFunc(entries, func(m managed) bool { return m.isClientSideHelm() || adopt && m.isKubectl() }) {
		return nil, nil // nearly always
	}
	var kept []map[string]any
	var target *managed
	set := fieldpath.NewSet()
	handedOver := false
	for i := range entries {
		m := &entries[i]
		if m.manager == FieldManager && m.operation == operationApply && m.subresource == "" {
			target = m
		}
	}
	for i := range entries {
		m := &entries[i]
		takes := m.isClientSideHelm()
		if !takes && !(adopt && m.isKubectl()) && m != target {
			kept = append(kept, m.entry)
			continue
		}
		ours, err := m.set()
		if err != nil {
			return nil, err
		}
		if !takes && m != target {
			var theirs *fieldpath.Set
			if ours, theirs = split(ours, wanted); !theirs.Empty() {
				if m.entry, err = m.with(theirs); err != nil {
					return nil, err
				}
				kept = append(kept, m.entry)
			}
			if ours.Empty() {
				continue
			}
		}
		handedOver = handedOver || m != target
		if target == nil {
			target = m
		}
		if m.entry["apiVersion"] == target.entry["apiVersion"] {
			set = set.Union(ours)
		}
	}
	if !handedOver {
		return nil, nil
	}
	entry, err := target.with(set)
	if err != nil {
		return nil, err
	}
	entry["manager"], entry["operation"] = FieldManager, operationApply
	return json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": append(kept, entry)},
		// Makes the patch fail as a conflict if the object has changed since.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": nested(live, "metadata", "resourceVersion")},
	})
}

// set are the fields of an entry.
func (m *managed) set() (*fieldpath.Set, error) {
	raw, err := json.Marshal(m.fields)
	if err != nil {
		return nil, err
	}
	set := fieldpath.NewSet()
	return set, set.FromJSON(bytes.NewReader(raw))
}

// with is a copy of an entry that holds other fields.
func (m *managed) with(set *fieldpath.Set) (map[string]any, error) {
	raw, err := set.ToJSON()
	if err != nil {
		return nil, err
	}
	entry := maps.Clone(m.entry)
	entry["fieldsV1"] = json.RawMessage(raw)
	return entry, nil
}

// split parts a set of fields into those that a document has and the others.
func split(set *fieldpath.Set, wanted map[string]any) (has, others *fieldpath.Set) {
	has, others = fieldpath.NewSet(), fieldpath.NewSet()
	for path := range set.All() {
		if _, ok := valueAt(wanted, path); ok {
			has.Insert(path.Copy())
		} else {
			others.Insert(path.Copy())
		}
	}
	return has, others
}
