package schema

import (
	"errors"
	"fmt"
	"strings"
)

// checkSemver wants a version as semver.org 2.0 defines it.
func checkSemver(s string) error {
	s, build, hasBuild := strings.Cut(s, "+")
	if hasBuild {
		if build == "" {
			return errors.New("build is empty")
		}
		if err := checkIdentifiers(build, "build"); err != nil {
			return err
		}
	}
	s, pre, isPre := strings.Cut(s, "-")
	if isPre {
		if err := checkIdentifiers(pre, "pre-release"); err != nil {
			return err
		}
	}
	numbers := strings.Split(s, ".")
	if len(numbers) != 3 {
		return errors.New("versionCore must have 3 numbers separated by dot")
	}
	for i, number := range numbers {
		name := [...]string{"major", "minor", "patch"}[i]
		switch {
		case number == "":
			return errors.New(name + " is empty")
		case len(number) > 1 && number[0] == '0':
			return errors.New(name + " starts with zero")
		case !allDigits(number):
			return errors.New(name + " contains non-digit")
		}
	}
	return nil
}

func checkIdentifiers(s, name string) error {
	for _, id := range strings.Split(s, ".") {
		if id == "" {
			return errors.New(name + " identifier is empty")
		}
		for _, c := range id {
			if !isAlphanumeric(c) && c != '-' {
				return fmt.Errorf("invalid character %q in %s identifier", c, name)
			}
		}
		if name == "pre-release" && len(id) > 1 && id[0] == '0' && allDigits(id) {
			return errors.New("pre-release numeric identifier starts with zero")
		}
	}
	return nil
}
