package engine

import (
	"github.com/e6d26078/slipway/chart/values"
	"github.com/e6d26078/slipway/engine/internal/chartutil"
	"github.com/e6d26078/slipway/engine/internal/common"
)

// Compat says which Helm's results a render reproduces.
type Compat int

const (
	// Helm3 is Helm v3.22.0, the default.
	Helm3 Compat = iota
	// Helm4 is Helm v4.3.1.
	Helm4
)

// String returns the name that the command line uses: "helm3" or "helm4".
func (c Compat) String() string {
	if c == Helm4 {
		return "helm4"
	}
	return "helm3"
}

// values gives a map the type that .Values has in templates.
func (c Compat) values(m map[string]any) any {
	if c == Helm4 {
		return common.Values(m)
	}
	return chartutil.Values(m)
}

func (c Compat) capabilities(caps *Capabilities) any {
	if c == Helm4 {
		return helm4Capabilities(caps)
	}
	return caps
}

func (c Compat) dialect() values.Dialect {
	if c == Helm4 {
		return values.Helm4
	}
	return values.Helm3
}
