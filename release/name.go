package release

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrName is what every error of [ValidateName] is, for errors.Is.
var ErrName = errors.New("not a release name")

const maxName = 53

// nameRule is Kubernetes' for names of objects.
var nameRule = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// ValidateName refuses a release name that Helm refuses: it has 1 to 53
// characters, lower case letters, digits, "-" and ".", and each part between
// dots starts and ends with a letter or digit.
func ValidateName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > maxName:
		return fmt.Errorf("%w: %.60q has %d characters, and %d are the most", ErrName, name, len(name), maxName)
	case !nameRule.MatchString(name):
		return fmt.Errorf(`%w: %q, it takes lower case letters, digits, "-" and ".", and starts and ends with a letter or digit`, ErrName, name)
	}
	return nil
}
