package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a store writes beside a record. The label's value is v<revision>.<id>:
// Helm 3 copies labels that it does not know to its next record, and the
// revision tells such a copy from a record of ours.
const (
	LabelOperation       = labelPrefix + "operation"   // see above
	AnnotationOperation  = labelPrefix + "operation"   // an Operation as JSON
	AnnotationChart      = labelPrefix + "chart"       // name-version
	AnnotationAppVersion = labelPrefix + "app-version" // as in Chart.yaml

	labelPrefix = "slipway.dev/"
)

// keyPrefix starts the name of a Secret or ConfigMap that holds a record.
const keyPrefix = "sh.helm.release.v1."

// Key is the name under which Helm stores a revision.
func Key(name string, version int) string {
	return keyPrefix + name + ".v" + strconv.Itoa(version)
}

// ParseKey is the reverse of [Key]; ok is false for any other name.
func ParseKey(key string) (name string, version int, ok bool) {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	i := strings.LastIndex(rest, ".v")
	if !ok || i < 1 {
		return "", 0, false
	}
	version, err := strconv.Atoi(rest[i+2:])
	if err != nil || version < 1 || Key(rest[:i], version) != key {
		return "", 0, false
	}
	return rest[:i], version, true
}

// systemLabels are those that Helm's stores write themselves.
var systemLabels = []string{"name", "owner", "status", "version", "createdAt", "modifiedAt"}

// CheckLabels refuses custom labels with names that Helm's stores write
// themselves. The error is Helm's.
func CheckLabels(labels map[string]string) error {
	for _, name := range systemLabels {
		if _, set := labels[name]; set {
			return fmt.Errorf("user supplied labels contains system reserved label name. System labels: %v", systemLabels)
		}
	}
	return nil
}

// IsSystemLabel reports whether a label is the store's own, Helm's or
// slipway's, and so none that a user may choose.
func IsSystemLabel(key string) bool {
	return slices.Contains(systemLabels, key) || strings.HasPrefix(key, labelPrefix)
}

// Meta is what a store keeps beside the record.
func (r *Record) Meta() Meta {
	m := Meta{
		Name: r.Name, Namespace: r.Namespace, Version: r.Version,
		CreatedAt: r.CreatedAt, ModifiedAt: r.ModifiedAt,
		Labels: customLabels(r.Release.Labels), Token: r.Token,
	}
	if r.Info != nil {
		m.Status = r.Info.Status
	}
	if r.Operation != nil {
		op := *r.Operation
		m.Operation = &op
	}
	if r.Chart != nil && r.Chart.Metadata != nil {
		m.Chart = r.Chart.Metadata.Name + "-" + r.Chart.Metadata.Version
		m.AppVersion = r.Chart.Metadata.AppVersion
	}
	return m
}

// Attach takes over what a store keeps beside the record.
func (r *Record) Attach(m Meta) {
	r.Release.Labels = m.Labels
	r.Operation = m.Operation
	r.Token = m.Token
	r.CreatedAt, r.ModifiedAt = m.CreatedAt, m.ModifiedAt
}

// StoredLabels are the labels of the object that holds the record: the custom
// ones and Helm's own.
func (m Meta) StoredLabels() map[string]string {
	labels := customLabels(m.Labels)
	labels["name"] = m.Name
	labels["owner"] = "helm"
	labels["status"] = m.Status.String()
	labels["version"] = strconv.Itoa(m.Version)
	if !m.CreatedAt.IsZero() {
		labels["createdAt"] = strconv.FormatInt(m.CreatedAt.Unix(), 10)
	}
	if !m.ModifiedAt.IsZero() {
		labels["modifiedAt"] = strconv.FormatInt(m.ModifiedAt.Unix(), 10)
	}
	if m.Operation != nil {
		labels[LabelOperation] = "v" + strconv.Itoa(m.Version) + "." + m.Operation.ID
	}
	return labels
}

// StoredAnnotations are the annotations of the object that holds the record;
// none for a record of Helm's.
func (m Meta) StoredAnnotations() (map[string]string, error) {
	if m.Operation == nil {
		return nil, nil
	}
	op, err := json.Marshal(m.Operation)
	if err != nil {
		return nil, err
	}
	annotations := map[string]string{AnnotationOperation: string(op)}
	if m.Chart != "" {
		annotations[AnnotationChart] = m.Chart
	}
	if m.AppVersion != "" {
		annotations[AnnotationAppVersion] = m.AppVersion
	}
	return annotations, nil
}

// ReadMeta is the reverse of [Meta.StoredLabels] and [Meta.StoredAnnotations]
// for an object of this name; ok is false for one that holds no record. Helm
// drops annotations when it rewrites a record of ours; its Operation has
// nothing but an ID then.
func ReadMeta(key, namespace string, labels, annotations map[string]string) (m Meta, ok bool) {
	m.Name, m.Version, ok = ParseKey(key)
	if !ok {
		return Meta{}, false
	}
	m.Namespace = namespace
	m.Status = Status(labels["status"])
	m.CreatedAt = unixTime(labels["createdAt"])
	m.ModifiedAt = unixTime(labels["modifiedAt"])
	m.Labels = customLabels(labels)
	id, ours := strings.CutPrefix(labels[LabelOperation], "v"+strconv.Itoa(m.Version)+".")
	if !ours || id == "" {
		return m, true
	}
	m.Operation = &Operation{ID: id}
	var op Operation
	if json.Unmarshal([]byte(annotations[AnnotationOperation]), &op) == nil && op.ID == id {
		m.Operation = &op
		m.Chart = annotations[AnnotationChart]
		m.AppVersion = annotations[AnnotationAppVersion]
	}
	return m, true
}

// customLabels leaves out the store's own. The result is never nil.
func customLabels(labels map[string]string) map[string]string {
	custom := make(map[string]string, len(labels)+len(systemLabels)+1)
	maps.Copy(custom, labels)
	maps.DeleteFunc(custom, func(key, _ string) bool { return IsSystemLabel(key) })
	return custom
}

// unixTime reads Helm's seconds; zero for anything else.
func unixTime(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
