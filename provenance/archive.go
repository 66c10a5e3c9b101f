package provenance

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	helmchart "helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"
)

// Helm's limits on archives.
const (
	maxUnpacked = 100 << 20
	maxFile     = 5 << 20
)

// packaged is what an archive says about its chart.
type packaged struct {
	metadata *helmchart.Metadata // as Helm's loader has them
	raw      []byte              // Chart.yaml
}

// readArchive reads the metadata of a packaged chart.
func readArchive(archive []byte) (*packaged, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	bounded := &io.LimitedReader{R: unzipped, N: maxUnpacked + 1}
	entries := tar.NewReader(bounded)
	var chartYAML, requirements []byte
	for {
		head, err := entries.Next()
		if bounded.N <= 0 {
			return nil, fmt.Errorf("read the archive: it unpacks to more than %d bytes", maxUnpacked)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		into := &chartYAML
		switch entryName(head.Name) {
		case "Chart.yaml":
		case "requirements.yaml":
			into = &requirements
		default:
			continue
		}
		if *into, err = readEntry(entries, head, *into); err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
	}
	if chartYAML == nil {
		return nil, errors.New("read the archive: Chart.yaml file is missing")
	}
	metadata, err := decodeMetadata(chartYAML, requirements)
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	return &packaged{metadata: metadata, raw: chartYAML}, nil
}

// entryName is the name of an entry below the chart's folder.
func entryName(name string) string {
	_, below, _ := strings.Cut(strings.ReplaceAll(name, `\`, "/"), "/")
	return path.Clean(below)
}

func readEntry(r io.Reader, head *tar.Header, before []byte) ([]byte, error) {
	switch {
	case head.Typeflag != tar.TypeReg:
		return nil, fmt.Errorf("%q is not a file", head.Name)
	case before != nil:
		return nil, fmt.Errorf("%q is there twice", head.Name)
	case head.Size > maxFile:
		return nil, fmt.Errorf("%q is larger than %d bytes", head.Name, maxFile)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))...), nil
}

// decodeMetadata reads metadata in the way of Helm's loader.
func decodeMetadata(chartYAML, requirements []byte) (*helmchart.Metadata, error) {
	m := new(helmchart.Metadata)
	if err := yaml.Unmarshal(chartYAML, m); err != nil {
		return nil, fmt.Errorf("cannot load Chart.yaml: %w", err)
	}
	if m.APIVersion == "" {
		m.APIVersion = helmchart.APIVersionV1
	}
	if err := yaml.Unmarshal(requirements, m); err != nil {
		return nil, fmt.Errorf("cannot load requirements.yaml: %w", err)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}
