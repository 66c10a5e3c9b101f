package backend

import (
	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/rego"
)

// Policies compiles policies in Rego.
func (Kubernetes) Policies(modules, data []policy.File, o policy.RegoOptions) (policy.Evaluator, error) {
	p, err := rego.Compile(modules, data, o)
	if err != nil {
		return nil, err
	}
	return p, nil
}
