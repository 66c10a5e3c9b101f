package repo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/chart"
)

// DefaultMaxIndex is the size up to which an index is read, in bytes.
const DefaultMaxIndex = 512 << 20

// maxUnusual is the size up to which an index is read that is not in the layout
// which Helm writes: its parser takes many times the memory.
const maxUnusual = 128 << 20

// The errors that callers branch on.
var (
	// ErrInvalidIndex is wrapped by the errors about an index that cannot be read.
	ErrInvalidIndex = errors.New("invalid chart repository index")
	// ErrNoChart is wrapped by the errors about a chart that an index does not list.
	ErrNoChart = errors.New("no chart name found")
	// ErrNoVersion is wrapped by the errors about a version that an index does not list.
	ErrNoVersion = errors.New("no chart version found")
)

// Index is the content of a repository's index.yaml.
type Index struct {
	// ServerInfo is what ChartMuseum says of itself; it is not interpreted.
	ServerInfo  map[string]any      `json:"serverInfo,omitempty"`
	APIVersion  string              `json:"apiVersion"`
	Generated   time.Time           `json:"generated"`
	Entries     map[string]Versions `json:"entries"` // newest version first
	PublicKeys  []string            `json:"publicKeys,omitempty"`
	Annotations map[string]string   `json:"annotations,omitempty"`

	// Skipped says which entries were left out because they are invalid, a
	// sentence each, in the order of names.
	Skipped []string `json:"-"`
}

// Versions are the versions of one chart. Those of an index that was read may have
// their lists and annotations in common: to change one, put another in its place.
type Versions []*Version

// Version is one version of a chart in an index. The last four fields are those
// of old formats, kept so that an index that has them is written as it was.
type Version struct {
	*chart.Metadata
	URLs    []string  `json:"urls"`
	Created time.Time `json:"created,omitempty"`
	Removed bool      `json:"removed,omitempty"`
	Digest  string    `json:"digest,omitempty"` // SHA-256 of the archive, in hexadecimal digits

	Checksum      string `json:"checksum,omitempty"`
	Engine        string `json:"engine,omitempty"`
	TillerVersion string `json:"tillerVersion,omitempty"`
	URL           string `json:"url,omitempty"`
}

// LoadIndex reads the index in the file path.
func LoadIndex(path string) (*Index, error) {
	data, err := readIndexFile(path)
	if err != nil {
		return nil, err
	}
	x, err := ParseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return x, nil
}

// ParseIndex reads an index in YAML or JSON with the results of Helm's
// LoadIndexFile: unknown fields and double keys of YAML are errors, invalid
// entries are left out (Skipped), versions are in descending order. The index
// shares the memory of data, which must not be changed any more.
func ParseIndex(data []byte) (*Index, error) {
	x, err := parseIndex(data)
	if err != nil {
		return nil, err
	}
	x.clean()
	for name := range x.Entries {
		if len(name) > maxKey {
			return nil, fmt.Errorf("%w: the name of a chart has %d bytes", ErrInvalidIndex, len(name))
		}
	}
	if x.APIVersion == "" {
		return nil, fmt.Errorf("%w: no API version specified", ErrInvalidIndex)
	}
	return x, nil
}

func parseIndex(data []byte) (*Index, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: empty index.yaml file", ErrInvalidIndex)
	}
	if len(data) > DefaultMaxIndex {
		return nil, fmt.Errorf("%w: it is larger than %d bytes", ErrInvalidIndex, DefaultMaxIndex)
	}
	if x := parseCanonical(data); x != nil {
		return x, nil
	}
	return parseFully(data)
}

// parseFully reads whatever Helm reads, with its parser and its errors.
func parseFully(data []byte) (*Index, error) {
	x := &Index{}
	if json.Valid(data) {
		if err := json.Unmarshal(data, x); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalidIndex, err)
		}
		return x, nil
	}
	if len(data) > maxUnusual {
		return nil, fmt.Errorf("%w: it is larger than %d bytes and not in the layout that `helm repo index` writes", ErrInvalidIndex, maxUnusual)
	}
	if err := sigsyaml.UnmarshalStrict(data, x); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidIndex, err)
	}
	return x, nil
}

// readIndexFile reads a file up to the limit.
func readIndexFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return readSized(f, path, info.Size())
}

// readSized reads size bytes and what may have been appended since.
func readSized(r io.Reader, name string, size int64) ([]byte, error) {
	if size > DefaultMaxIndex {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, DefaultMaxIndex)
	}
	data := make([]byte, size+1)
	n, err := io.ReadFull(r, data)
	if err == nil { // it has grown
		return nil, fmt.Errorf("%s is being written by another process; try again", name)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data[:n], nil
}
