package lint

import (
	"fmt"
	"strings"
)

// checkObjectName checks an object's name by the rules of its kind.
func checkObjectName(kind, name string) error {
	var faults []string
	switch strings.ToLower(kind) {
	case "service":
		faults = label1035Faults(name)
	case "namespace":
		faults = label1123Faults(name)
	case "certificatesigningrequest":
		return nil
	case "role", "clusterrole", "rolebinding", "clusterrolebinding":
		faults = pathSegmentFaults(name)
	default:
		faults = subdomainFaults(name)
	}
	if len(faults) == 0 {
		return nil
	}
	for i, fault := range faults {
		faults[i] = fmt.Sprintf("metadata.name: Invalid value: %q: %s", name, fault)
	}
	text := strings.Join(faults, ", ")
	if len(faults) > 1 {
		text = "[" + text + "]"
	}
	return fmt.Errorf("object name does not conform to Kubernetes naming requirements: %q: %s", name, text)
}

const (
	labelExpression     = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
	subdomainExpression = labelExpression + `(\.` + labelExpression + ")*"
	subdomainFault      = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
		"and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '" + subdomainExpression + "')"
	label1123Fault = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
		"and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '" + labelExpression + "')"
	label1035Fault = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
		"start with an alphabetic character, and end with an alphanumeric character " +
		"(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)

func subdomainFaults(name string) (faults []string) {
	faults = lengthFaults(name, 253)
	if !isSubdomain(name) {
		faults = append(faults, subdomainFault)
	}
	return faults
}

func label1123Faults(name string) (faults []string) {
	faults = lengthFaults(name, 63)
	switch {
	case isLabel(name):
	case isSubdomain(name):
		faults = append(faults, "must not contain dots")
	default:
		faults = append(faults, label1123Fault)
	}
	return faults
}

func label1035Faults(name string) (faults []string) {
	faults = lengthFaults(name, 63)
	if !isLabel(name) || name[0] <= '9' {
		faults = append(faults, label1035Fault)
	}
	return faults
}

func pathSegmentFaults(name string) (faults []string) {
	if name == "." || name == ".." {
		return []string{fmt.Sprintf("may not be '%s'", name)}
	}
	for _, part := range []string{"/", "%"} {
		if strings.Contains(name, part) {
			faults = append(faults, fmt.Sprintf("may not contain '%s'", part))
		}
	}
	return faults
}

func lengthFaults(name string, longest int) []string {
	if len(name) <= longest {
		return nil
	}
	return []string{fmt.Sprintf("must be no more than %d characters", longest)}
}

// isLabel reports whether name is one lower-case label of a host name.
func isLabel(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		case c == '-' && i > 0 && i < len(name)-1:
		default:
			return false
		}
	}
	return name != ""
}

func isSubdomain(name string) bool {
	for part := range strings.SplitSeq(name, ".") {
		if !isLabel(part) {
			return false
		}
	}
	return true
}
