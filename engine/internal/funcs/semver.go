package funcs

import "github.com/Masterminds/semver/v3"

// addVersions adds semverCompare, which here parses a constraint and a version
// once.
func (k *kit) addVersions() {
	constraints := newCache(semver.NewConstraint)
	versions := newCache(semver.NewVersion)
	k.call(func(args []any) (any, bool) {
		constraint, ok := args[0].(string)
		version, ok2 := args[1].(string)
		if !ok || !ok2 {
			return nil, false
		}
		c, ok := constraints.get(constraint)
		if !ok {
			return nil, false
		}
		v, ok := versions.get(version)
		return ok && c.Check(v), ok
	}, "semverCompare")
}
