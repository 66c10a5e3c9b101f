package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/release/derive"
	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/plan"
)

// configAnnotation stands in a pod template and changes with the ConfigMaps
// and Secrets of the release that the pods use.
const configAnnotation = "slipway.dev/config-digest"

// workloads are the kinds whose pods are restarted when their template changes.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet"}

// stampConfig puts the digest of their configuration into the pod templates of
// workloads, so that pods are restarted when it changes. It stands in the
// manifest, so what is recorded is what is applied.
func stampConfig(docs []manifest.Doc) error {
	content, err := configContent(docs)
	if err != nil {
		return err
	}
	for i, d := range docs {
		if !slices.Contains(workloads, d.Head.Kind) {
			continue
		}
		objects, err := manifest.Objects(d.Content)
		if err != nil {
			return &manifest.ParseError{File: d.Name, Doc: d.Content, Err: err}
		}
		if len(objects) != 1 {
			continue
		}
		fields := objects[0].Fields
		used := configOf(fields, content)
		if len(used) == 0 {
			continue
		}
		h := sha256.New()
		for _, name := range used {
			fmt.Fprintf(h, "%s\n%s\n", name, content[name])
		}
		stamp(fields, hex.EncodeToString(h.Sum(nil)))
		text, err := yaml.Append(nil, fields)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		docs[i].Content = string(text)
	}
	return nil
}

// configContent is what pods see of the ConfigMaps and Secrets among documents,
// by kind and name: the data without the metadata.
func configContent(docs []manifest.Doc) (map[string]string, error) {
	content := map[string]string{}
	for _, d := range docs {
		if d.Head.Kind != "ConfigMap" && d.Head.Kind != "Secret" {
			continue
		}
		objects, err := manifest.Objects(d.Content)
		if err != nil {
			return nil, &manifest.ParseError{File: d.Name, Doc: d.Content, Err: err}
		}
		for _, o := range objects {
			data, err := json.Marshal([]any{o.Fields["data"], o.Fields["binaryData"], o.Fields["stringData"]})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.Name, err)
			}
			content[o.Kind+"/"+o.Name] = string(data)
		}
	}
	return content, nil
}

// stamp sets the annotation in a workload's pod template.
func stamp(fields map[string]any, digest string) {
	at := fields
	for _, name := range []string{"spec", "template", "metadata", "annotations"} {
		below, ok := at[name].(map[string]any)
		if !ok {
			below = map[string]any{}
			at[name] = below
		}
		at = below
	}
	at[configAnnotation] = digest
}

// configOf lists the ConfigMaps and Secrets of the release that a workload's
// pods use, as volumes or for their environment, sorted.
func configOf(workload map[string]any, content map[string]string) []string {
	var used []string
	var walk func(v any)
	refer := func(kind string, v any, fields ...string) {
		reference, _ := v.(map[string]any)
		for _, field := range fields {
			name, ok := reference[field].(string)
			if _, ours := content[kind+"/"+name]; ok && ours {
				used = append(used, kind+"/"+name)
			}
		}
	}
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				switch key {
				case "configMap", "configMapRef", "configMapKeyRef":
					refer("ConfigMap", below, "name")
				case "secret", "secretRef", "secretKeyRef":
					refer("Secret", below, "name", "secretName")
				}
				walk(below)
			}
		case []any:
			for _, below := range v {
				walk(below)
			}
		}
	}
	spec, _ := workload["spec"].(map[string]any)
	walk(spec["template"])
	slices.Sort(used)
	return slices.Compact(used)
}

// restartForConfig makes the pods of workloads restart of which nothing changes
// but configuration that they use: what was verified in the canary would not
// serve otherwise. The target's pod templates get the digest of the configuration.
func (r *rolling) restartForConfig(d *draft) error {
	stamped := false
	for _, w := range r.plan.Workloads {
		base, target := objectOf(r.from, w.Ref), objectOf(r.to, w.Ref)
		if w.Form != derive.Labelled || base == nil || target == nil || !plan.Same(podTemplate(base), podTemplate(target)) {
			continue
		}
		digest := sha256.New()
		for _, c := range r.plan.Copies {
			fmt.Fprintln(digest, c.Name)
		}
		changed := deepCopy(target.Fields).(map[string]any)
		stamp(changed, hex.EncodeToString(digest.Sum(nil)))
		target.Fields = changed
		stamped = true
		r.plan.Warnings = append(r.plan.Warnings, fmt.Sprintf(
			"%s: nothing changes but configuration that it uses; its pods are restarted by the annotation %s", w.Ref, configAnnotation))
	}
	if !stamped {
		return nil
	}
	text, err := manifestText(r.to)
	d.record.Manifest = text
	return err
}

func objectOf(objects []manifest.Object, ref manifest.Ref) *manifest.Object {
	for i := range objects {
		if objects[i].Ref == ref {
			return &objects[i]
		}
	}
	return nil
}

func podTemplate(o *manifest.Object) map[string]any {
	spec, _ := o.Fields["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	return template
}

func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, below := range v {
			m[key] = deepCopy(below)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, below := range v {
			list[i] = deepCopy(below)
		}
		return list
	}
	return v
}
