package lint

import (
	"errors"
	"fmt"

	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine/lint/internal/rules"
)

// checkListAnnotations looks for a resource policy on the items of a List,
// where it has no effect. Helm reads the first document of the file, whichever
// the List is in.
func checkListAnnotations(object *rules.K8sYamlStruct, content string) error {
	if object.Kind != "List" {
		return nil
	}
	list := struct {
		Items []struct {
			Metadata struct {
				Annotations map[string]string
			}
		}
	}{}
	if err := yaml.Unmarshal([]byte(content), &list); err != nil {
		return fmt.Errorf("unable to parse YAML: %w", err)
	}
	for _, item := range list.Items {
		if _, set := item.Metadata.Annotations["helm.sh/resource-policy"]; set {
			return errors.New("Annotation 'helm.sh/resource-policy' within List objects are ignored")
		}
	}
	return nil
}
