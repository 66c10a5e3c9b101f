package schema

import _ "embed"

//go:embed config.v1.json
var config string

// Config is the schema of slipway's configuration file, version slipway.dev/config/v1.
func Config() string { return config }
