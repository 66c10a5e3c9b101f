package deploy

import (
	"fmt"
	"slices"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/manifest"
)

// maxImages bounds the list in a record's annotation.
const maxImages = 200

// Images lists the images that a revision needs, sorted: those of the pods of
// its objects and hooks, those of image volumes, and what fields named image
// hold in objects of any other kind. So it may have one too many and lacks none
// that is written out.
func Images(r *release.Record) ([]string, error) {
	objects, err := manifest.Objects(r.Manifest)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	for _, h := range r.Hooks {
		more, err := manifest.Objects(h.Manifest)
		if err != nil {
			return nil, fmt.Errorf("read hook %s: %w", h.Name, err)
		}
		objects = append(objects, more...)
	}
	var images []string
	for i := range objects {
		visit(objects[i].Fields, func(key string, value any) bool {
			switch v := value.(type) {
			case string:
				if key == "image" && v != "" {
					images = append(images, v)
				}
			case map[string]any:
				if reference, ok := v["reference"].(string); ok && key == "image" {
					images = append(images, reference)
				}
			}
			return true
		})
	}
	slices.Sort(images)
	return slices.Compact(images), nil
}

// imagesOf lists the images that the pods of objects use, sorted.
func imagesOf(objects []manifest.Object) []string {
	var images []string
	for i := range objects {
		visit(objects[i].Fields["spec"], func(key string, value any) bool {
			if key != "containers" && key != "initContainers" {
				return true
			}
			images = append(images, containerImages(value)...)
			return false
		})
	}
	slices.Sort(images)
	images = slices.Compact(images)
	return images[:min(len(images), maxImages)]
}

// visit calls see for the fields of a value, and for those below a field if see says so.
func visit(v any, see func(key string, value any) bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if see(key, below) {
				visit(below, see)
			}
		}
	case []any:
		for _, below := range v {
			visit(below, see)
		}
	}
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
