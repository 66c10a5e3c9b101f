package derive

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// How long names may be: of what names pods (a ReplicaSet's suffix is added to
// it and becomes part of a label), of Services, and of all else.
const (
	maxPodOwner = 52
	maxService  = 63
	maxName     = 253
)

// named puts a suffix to a name. What would be longer than limit is cut, and a
// digest of the whole name keeps it apart from others that begin alike.
func named(name, suffix string, limit int) string {
	if len(name)+len(suffix) <= limit {
		return name + suffix
	}
	const digits = 6
	digest := sha256.Sum256([]byte(name))
	kept := strings.TrimRight(name[:limit-len(suffix)-digits-1], "-.")
	return kept + "-" + hex.EncodeToString(digest[:])[:digits] + suffix
}
