package chart

import "strings"

// MissingDependenciesError says which charts Chart.yaml declares that are not
// in charts/.
type MissingDependenciesError struct {
	Names []string // in the order of Chart.yaml
}

// Error has Helm's wording.
func (e *MissingDependenciesError) Error() string {
	return "found in Chart.yaml, but missing in charts/ directory: " + strings.Join(e.Names, ", ")
}

// CheckDependencies gives a *MissingDependenciesError unless every dependency
// that c declares is among its subcharts. Versions are not compared, and the
// dependencies of subcharts are not looked at.
func CheckDependencies(c *Chart) error {
	if c.Metadata == nil {
		return nil
	}
	present := make(map[string]bool)
	for _, d := range c.Dependencies() {
		present[d.Name()] = true
	}
	var missing []string
	for _, d := range c.Metadata.Dependencies {
		if !present[d.Name] {
			missing = append(missing, d.Name)
		}
	}
	if missing == nil {
		return nil
	}
	return &MissingDependenciesError{Names: missing}
}
