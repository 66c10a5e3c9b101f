// Package rules holds the type that rendered objects are read into. Its name
// and the type's are Helm's, since both stand in error texts.
package rules

// K8sYamlStruct is the part of an object that the rules look at.
type K8sYamlStruct struct {
	APIVersion string `json:"apiVersion"`
	Kind       string
	Metadata   k8sYamlMetadata
}

type k8sYamlMetadata struct {
	Namespace string
	Name      string
}
