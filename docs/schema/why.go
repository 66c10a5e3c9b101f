package schema

import _ "embed"

//go:embed why.v1.json
var why string

// Why is the schema of what `slipway why --output json` prints, version
// slipway.dev/why/v1.
func Why() string { return why }
