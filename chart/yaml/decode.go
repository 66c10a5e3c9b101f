package yaml

import (
	sigs "sigs.k8s.io/yaml"
)

// Decode returns the first document of data as sigs.k8s.io/yaml would put it into an empty interface.
func Decode(data []byte) (any, error) {
	var v any
	err := sigs.Unmarshal(data, &v)
	return v, err
}

// DecodeMap returns the first document of data as sigs.k8s.io/yaml would put it into a nil map[string]any.
func DecodeMap(data []byte) (map[string]any, error) {
	var m map[string]any
	err := sigs.Unmarshal(data, &m)
	return m, err
}

// Unmarshal decodes the first document of data into v as sigs.k8s.io/yaml does.
func Unmarshal(data []byte, v any) error {
	return sigs.Unmarshal(data, v)
}
