package server

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// AnyDepth as the depth of a server makes that a path itself says where the
	// name of its repository ends: there are repositories at all depths at once.
	AnyDepth = -1
	// maxDepth is how many names there may be in front of a repository's paths.
	maxDepth = 8
)

func checkDepth(depth int) error {
	if depth != AnyDepth && (depth < 0 || depth > maxDepth) {
		return fmt.Errorf("a depth of %d is not possible; it is the number of names before /index.yaml, 0 to %d", depth, maxDepth)
	}
	return nil
}

// isRepository reports whether there can be a repository of this name. At any
// depth a part that also means something else in a path or in a folder is in no
// name, so that each path and each file is of one repository; nor is "repo" one,
// which in tokens is the repository without a name.
func isRepository(name string, depth int) bool {
	var parts []string
	if name != "" {
		parts = strings.Split(name, "/")
	}
	if depth != AnyDepth {
		return len(parts) == depth
	}
	return len(parts) <= maxDepth && name != defaultRepository && !slices.ContainsFunc(parts, isReserved)
}

// lengthOfName is how many parts of a path belong to the name of the repository,
// at any depth.
func lengthOfName(parts []string) int {
	if i := slices.IndexFunc(parts, isReserved); i >= 0 {
		return i
	}
	return len(parts)
}

func isReserved(part string) bool {
	switch part {
	case "api", "charts", "prov":
		return true
	}
	for _, suffix := range []string{".tgz", ".prov", ".yaml", ".yml"} {
		if strings.HasSuffix(part, suffix) {
			return true
		}
	}
	return false
}

// tenantOfKey is the name of the repository that a file is in.
func tenantOfKey(key string) string {
	return key[:max(0, strings.LastIndexByte(key, '/'))]
}
