package yaml

import (
	"strings"
	"unicode/utf8"

	sigs "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart/yaml/internal/releaseutil"
)

// Head is the part of a manifest that says what it is. The zero value is what an empty document gives.
type Head struct {
	APIVersion string
	Kind       string
	Metadata   *HeadMetadata // nil if the manifest has none
}

// HeadMetadata is the part of an object's metadata that sorting and hooks need.
type HeadMetadata struct {
	Name        string
	Annotations map[string]string // nil if there are none
}

// ReadHead checks that doc begins with a valid YAML document and reads what Helm needs of it to sort manifests and to
// know hooks. No tree is built. Numbers and booleans become strings, field names match as in encoding/json, and a
// document, or one of these fields, of another type is an error. The errors have the texts of sigs.k8s.io/yaml;
// beside an error, the head is what could be read.
func ReadHead(doc string) (Head, error) {
	if text, ok := normalize(doc); ok {
		p := parser{s: text}
		if _, ok := p.document(toHead); ok {
			return p.head.Head, nil
		}
	}
	return readHeadSlowly(doc)
}

// readHeadSlowly is ReadHead by means of the library.
func readHeadSlowly(doc string) (Head, error) {
	var h releaseutil.SimpleHead
	err := sigs.Unmarshal([]byte(doc), &h)
	head := Head{APIVersion: h.Version, Kind: h.Kind}
	if h.Metadata != nil {
		head.Metadata = &HeadMetadata{Name: h.Metadata.Name, Annotations: h.Metadata.Annotations}
	}
	return head, err
}

// headState is the head of a manifest that is being read, and its last string.
type headState struct {
	Head
	text string
	null bool
}

// open begins a mapping of the given use and reports whether one may stand there.
func (h *headState) open(use purpose) bool {
	h.null = false
	switch use {
	case toHead:
		return true
	case toMetadata:
		h.Metadata = &HeadMetadata{}
		return true
	case toAnnotations:
		h.Metadata.Annotations = make(map[string]string)
		return true
	}
	return false
}

// field returns what the value of a key is wanted for, or toBuild if only the library knows: encoding/json ignores the
// case of field names.
func (h *headState) field(use purpose, key string) purpose {
	switch use {
	case toAnnotations:
		return toString
	case toHead:
		switch key {
		case "apiVersion", "kind":
			return toString
		case "metadata":
			return toMetadata
		}
		if isLike(key, "apiVersion") || isLike(key, "kind") || isLike(key, "metadata") {
			return toBuild
		}
	case toMetadata:
		switch key {
		case "name":
			return toString
		case "annotations":
			return toAnnotations
		}
		if isLike(key, "name") || isLike(key, "annotations") {
			return toBuild
		}
	}
	return toSkip
}

// isLike reports whether key might match the name of a field without being equal. Some letters beyond ASCII match too.
func isLike(key, name string) bool {
	if len(key) == len(name) {
		return strings.EqualFold(key, name)
	}
	for i := 0; i < len(key); i++ {
		if key[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// store keeps the value of a key that was read with the given use.
func (h *headState) store(use, inner purpose, key string) {
	if inner == toSkip {
		return
	}
	text := h.text
	if h.null {
		text = ""
	}
	switch {
	case use == toAnnotations:
		h.Metadata.Annotations[key] = text
	case use == toMetadata && inner == toAnnotations:
		if h.null {
			h.Metadata.Annotations = nil
		}
	case use == toMetadata:
		h.Metadata.Name = text
	case inner == toMetadata:
		if h.null {
			h.Metadata = nil
		}
	case key == "kind":
		h.Kind = text
	default:
		h.APIVersion = text
	}
}
