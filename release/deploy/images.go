package deploy

import (
	"slices"

	"github.com/e6d26078/slipway/release/manifest"
)

// maxImages bounds the list in a record's annotation.
const maxImages = 200

// imagesOf lists the images that the pods of objects use, sorted.
func imagesOf(objects []manifest.Object) []string {
	var images []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, below := range v {
				if key == "containers" || key == "initContainers" {
					images = append(images, containerImages(below)...)
					continue
				}
				walk(below)
			}
		case []any:
			for _, below := range v {
				walk(below)
			}
		}
	}
	for i := range objects {
		walk(objects[i].Fields["spec"])
	}
	slices.Sort(images)
	images = slices.Compact(images)
	return images[:min(len(images), maxImages)]
}

func containerImages(list any) []string {
	var images []string
	containers, _ := list.([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		if image, ok := container["image"].(string); ok {
			images = append(images, image)
		}
	}
	return images
}
