package derive

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/e6d26078/slipway/release/manifest"
)

// isConfig reports whether a reference is to configuration that pods use.
func isConfig(r manifest.Ref) bool {
	return r.APIVersion == "v1" && (r.Kind == "ConfigMap" || r.Kind == "Secret")
}

// eachReference visits each place of a pod's specification that names a
// ConfigMap or a Secret: holder[field] is the name.
func eachReference(spec map[string]any, visit func(kind string, holder map[string]any, field string)) {
	if spec == nil {
		return
	}
	see := func(kind string, holder any, field string) {
		if m := mapping(holder); text(m[field]) != "" {
			visit(kind, m, field)
		}
	}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		for _, container := range mappings(spec[list]) {
			for _, variable := range mappings(container["env"]) {
				see("ConfigMap", at(variable, "valueFrom", "configMapKeyRef"), "name")
				see("Secret", at(variable, "valueFrom", "secretKeyRef"), "name")
			}
			for _, source := range mappings(container["envFrom"]) {
				see("ConfigMap", source["configMapRef"], "name")
				see("Secret", source["secretRef"], "name")
			}
		}
	}
	for _, volume := range mappings(spec["volumes"]) {
		see("ConfigMap", volume["configMap"], "name")
		see("Secret", volume["secret"], "secretName")
		see("Secret", volume["azureFile"], "secretName")
		see("Secret", at(volume, "csi", "nodePublishSecretRef"), "name")
		for _, driver := range []string{"cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"} {
			see("Secret", at(volume, driver, "secretRef"), "name")
		}
		for _, source := range mappings(at(volume, "projected", "sources")) {
			see("ConfigMap", source["configMap"], "name")
			see("Secret", source["secret"], "name")
		}
	}
	for _, reference := range mappings(spec["imagePullSecrets"]) {
		see("Secret", reference, "name")
	}
}

// uses reports whether a pod template names any of the objects.
func uses(template map[string]any, namespace string, objects map[identity]bool) bool {
	found := false
	eachReference(mapping(template["spec"]), func(kind string, holder map[string]any, field string) {
		found = found || objects[identity{"", kind, namespace, text(holder[field])}]
	})
	return found
}

// content is what pods see of a ConfigMap or Secret.
func content(f Fields) map[string]string {
	all := map[string]string{}
	if f["kind"] != "Secret" {
		for key, value := range mapping(f["data"]) {
			all[key] = text(value)
		}
		for key, value := range mapping(f["binaryData"]) {
			all[key] = decoded(text(value))
		}
		return all
	}
	for key, value := range mapping(f["data"]) {
		all[key] = decoded(text(value))
	}
	for key, value := range mapping(f["stringData"]) {
		all[key] = text(value)
	}
	return all
}

// decoded reads base64; what is none stands for itself.
func decoded(value string) string {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
	if err != nil {
		return value
	}
	return string(data)
}

func secretType(f Fields) string {
	if kind := text(f["type"]); kind != "" || f["kind"] != "Secret" {
		return kind
	}
	return "Opaque"
}

// contentDigest tells contents of configuration apart.
func contentDigest(f Fields) string {
	data, err := json.Marshal([]any{f["kind"], secretType(f), content(f)})
	if err != nil {
		panic("strings are always JSON: " + err.Error())
	}
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

// copyName is the name of the copy of a ConfigMap or Secret.
func copyName(o *manifest.Object) string {
	return named(o.Name, "-"+contentDigest(o.Fields)[:8], maxName)
}

// contentFields are those of a ConfigMap or Secret that content and secretType read.
var contentFields = []string{"data", "stringData", "binaryData", "type", "immutable"}
