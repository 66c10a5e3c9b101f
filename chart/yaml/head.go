package yaml

import (
	sigs "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart/yaml/internal/releaseutil"
)

// Head is the part of a manifest that says what it is. The zero value is what an empty document gives.
type Head struct {
	APIVersion string
	Kind       string
	Metadata   *HeadMetadata
}

// HeadMetadata is the part of an object's metadata that sorting and hooks need.
type HeadMetadata struct {
	Name        string
	Annotations map[string]string
}

// ReadHead reads the head of the first document of doc.
func ReadHead(doc string) (Head, error) {
	return slowHead(doc)
}

func slowHead(doc string) (Head, error) {
	var h releaseutil.SimpleHead
	err := sigs.Unmarshal([]byte(doc), &h)
	head := Head{APIVersion: h.Version, Kind: h.Kind}
	if h.Metadata != nil {
		head.Metadata = &HeadMetadata{Name: h.Metadata.Name, Annotations: h.Metadata.Annotations}
	}
	return head, err
}
