package cli

import (
	"hash/fnv"
	"io"
	"os"
)

// isSampled picks one case in five, another choice for each SLIPWAY_SEED; with
// SLIPWAY_SWEEP=all it picks all.
func isSampled(name ...string) bool {
	if os.Getenv("SLIPWAY_SWEEP") == "all" {
		return true
	}
	h := fnv.New32a()
	io.WriteString(h, os.Getenv("SLIPWAY_SEED"))
	for _, part := range name {
		io.WriteString(h, "/"+part)
	}
	return h.Sum32()%5 == 0
}
