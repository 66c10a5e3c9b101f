package provenance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	helmchart "helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"
)

// separator stands between the metadata and the digests.
const separator = "\n...\n"

// Statement is what a .prov file says, whoever signed it.
type Statement struct {
	// Metadata are those of the chart. Fields that Helm does not know are left out.
	Metadata *helmchart.Metadata
	// Files are the digests, sha256:HEX by file name.
	Files map[string]string
	// Issuers are the keys that the signatures name, each by its fingerprint or,
	// if only that is known, its key id, in upper case hexadecimal digits.
	Issuers []string

	about  string         // the text of the metadata
	line   int            // where it begins in the file
	fields map[string]any // what it says, once it is decoded
}

// Parse reads a .prov file without a look at its signature: nothing of what it
// returns is proven. Errors are of type *FormatError.
func Parse(prov []byte) (*Statement, error) {
	m, err := parseMessage(prov)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(m)
	if err != nil {
		return nil, err
	}
	if err := s.decode(); err != nil {
		return nil, err
	}
	for _, signature := range m.signatures {
		s.Issuers = append(s.Issuers, issuer(signature))
	}
	return s, nil
}

// Check compares the statement with the archive that is called name. Errors
// are *DigestError, *MetadataError or about the archive. It proves nothing
// about who made the statement; [Verify] does.
func (s *Statement) Check(name string, archive []byte) error {
	_, err := s.check(name, archive)
	return err
}

// check gives the metadata of the archive, which are those of the statement.
func (s *Statement) check(name string, archive []byte) (*helmchart.Metadata, error) {
	if err := s.checkDigest(name, archive); err != nil {
		return nil, err
	}
	p, err := readArchive(archive)
	if err != nil {
		return nil, err
	}
	return p.metadata, s.checkMetadata(p)
}

func (s *Statement) checkDigest(name string, archive []byte) error {
	name, actual := baseName(name), digest(archive)
	if s.Files[name] != actual {
		return &DigestError{File: name, Signed: s.Files[name], Actual: actual}
	}
	return nil
}

// baseName is the last part of a path of any system.
func baseName(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

func digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// signedText is the text that Helm signs for an archive: its lines end
// without blanks, which no signature covers.
func signedText(name string, archive []byte, metadata *helmchart.Metadata) (string, error) {
	about, err := metadataText(metadata)
	if err != nil {
		return "", err
	}
	sums, err := yaml.Marshal(map[string]map[string]string{"files": {baseName(name): digest(archive)}})
	if err != nil {
		return "", fmt.Errorf("write the digests: %w", err)
	}
	return about + separator + string(sums), nil
}

func metadataText(metadata *helmchart.Metadata) (string, error) {
	text, err := yaml.Marshal(metadata)
	if err != nil {
		return "", fmt.Errorf("write the metadata: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return strings.Join(lines, "\n"), nil
}

// isDigest reports whether a text is sha256: and 64 digits in lower case.
func isDigest(text string) bool {
	digits, ok := strings.CutPrefix(text, "sha256:")
	return ok && isHex(digits, 2*sha256.Size) && digits == strings.ToLower(digits)
}

// parseStatement reads the two documents of the signed text.
func parseStatement(m *message) (*Statement, error) {
	at := -1
	for i, line := range m.lines {
		switch {
		case line == "..." && at < 0:
			at = i
		case strings.HasPrefix(line, "---") || strings.HasPrefix(line, "..."):
			return nil, &FormatError{Line: m.firstLine + i, Problem: "the signed text has more than two documents"}
		}
	}
	if at < 0 {
		return nil, &FormatError{Line: m.firstLine, Problem: "the signed text has to be two documents with the line ... between them"}
	}
	s := &Statement{about: strings.Join(m.lines[:at], "\n"), line: m.firstLine}
	var sums struct {
		Files  map[string]string `json:"files"`
		Images map[string]string `json:"images,omitempty"`
	}
	line := m.firstLine + at + 1
	if err := yaml.UnmarshalStrict([]byte(strings.Join(m.lines[at+1:], "\n")), &sums); err != nil {
		return nil, &FormatError{Line: line, Problem: fmt.Sprintf("the signed digests: %v", err)}
	}
	for name, sum := range sums.Files {
		if name != baseName(name) || !isDigest(sum) {
			return nil, &FormatError{Line: line, Problem: fmt.Sprintf("the signed digests: %s: %s is not a file name with sha256:HEX", clip(name), clip(sum))}
		}
	}
	s.Files = sums.Files
	return s, nil
}

// decode reads the signed metadata.
func (s *Statement) decode() error {
	s.Metadata = new(helmchart.Metadata)
	err := decodeStrictly([]byte(s.about), &s.fields)
	if err == nil {
		err = yaml.Unmarshal([]byte(s.about), s.Metadata)
	}
	if err != nil {
		return &FormatError{Line: s.line, Problem: fmt.Sprintf("the signed metadata: %v", err)}
	}
	return nil
}

// decodeStrictly reads one YAML document that is a table; keys that are there twice are an error.
func decodeStrictly(text []byte, into *map[string]any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	return decodeJSON(data, into)
}

func decodeJSON(data []byte, into *map[string]any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// checkMetadata holds the signed metadata against an archive's: each field has
// the value that Helm's loader gives it, or the one in Chart.yaml, which other
// versions of Helm and other tools may have signed. Mostly the texts are the same.
func (s *Statement) checkMetadata(p *packaged) error {
	text, err := metadataText(p.metadata)
	if err != nil {
		return err
	}
	if strings.TrimRight(text, "\n") == strings.TrimRight(s.about, "\n") {
		return nil
	}
	if s.fields == nil {
		if err := s.decode(); err != nil {
			return err
		}
	}
	var loaded, raw map[string]any
	if err := decodeStrictly([]byte(text), &loaded); err != nil {
		return fmt.Errorf("read the archive: Chart.yaml: %w", err)
	}
	if data, err := yaml.YAMLToJSON(p.raw); err != nil || decodeJSON(data, &raw) != nil {
		return fmt.Errorf("read the archive: Chart.yaml is not a table of YAML")
	}
	fields := maps.Clone(loaded)
	maps.Copy(fields, s.fields)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		signed, isSigned := s.fields[field]
		value, isLoaded := loaded[field]
		original, isRaw := raw[field]
		same := isSigned == isLoaded && reflect.DeepEqual(signed, value) || isSigned && isRaw && reflect.DeepEqual(signed, original)
		if !same {
			if !isLoaded {
				value, isLoaded = original, isRaw
			}
			return &MetadataError{Field: field, Signed: shown(signed, isSigned), Archive: shown(value, isLoaded)}
		}
	}
	return nil
}

// shown is a value as JSON, shortened, or nothing.
func shown(value any, exists bool) string {
	if !exists {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return clip(string(text))
}
