package manifest_test

import (
	"fmt"

	"github.com/e6d26078/slipway/release/manifest"
)

// Rendered files become the text that "template" prints.
func ExampleSort() {
	rendered := []manifest.File{
		{Name: "web/templates/NOTES.txt", Content: "Thank you."},
		{Name: "web/templates/all.yaml", Content: "kind: Service\nmetadata: {name: web}\n---\nkind: ConfigMap\nmetadata: {name: web}\n"},
		{Name: "web/templates/job.yaml", Content: "kind: Job\nmetadata:\n  name: check\n  annotations:\n    helm.sh/hook: test\n"},
	}
	notes, files := manifest.Notes(rendered, "web", false)
	set, err := manifest.Sort(files, manifest.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(manifest.Output(set.Body(nil, manifest.BodyOptions{}), set.Hooks, manifest.OutputOptions{}))
	fmt.Println("NOTES:", notes)
	// Output:
	// ---
	// # Source: web/templates/all.yaml
	// kind: ConfigMap
	// metadata: {name: web}
	// ---
	// # Source: web/templates/all.yaml
	// kind: Service
	// metadata: {name: web}
	// ---
	// # Source: web/templates/job.yaml
	// kind: Job
	// metadata:
	//   name: check
	//   annotations:
	//     helm.sh/hook: test
	// NOTES: Thank you.
}
