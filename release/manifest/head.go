package manifest

import "github.com/e6d26078/slipway/chart/yaml"

// Head is what identifies a document: apiVersion, kind, and the name and
// annotations of its metadata. Metadata is nil when the document has none.
type Head = yaml.Head
