package yaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	yamlv3 "go.yaml.in/yaml/v3"
)

// CheckSingle refuses text that has anything in it behind its first document: the
// other functions here do not look at that, and who wrote it wants it to count. The
// error begins with name and the line. Syntax errors are theirs to find.
func CheckSingle(name string, data []byte) error {
	documents := yamlv3.NewDecoder(bytes.NewReader(data))
	for first := true; ; first = false {
		var document yamlv3.Node
		if err := documents.Decode(&document); err != nil {
			if first || errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("%s: the file has to be one document, and what follows it is none: %w", name, err)
		}
		if first {
			continue
		}
		if content := document.Content[0]; content.Tag != "!!null" {
			return fmt.Errorf("%s:%d: the file has to be one document, and another one begins here", name, content.Line)
		}
	}
}
