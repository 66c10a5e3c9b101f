package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/chart"
)

// digest is that of everything that decides what an operation does. Two calls
// with the same digest would do the same.
func digest(parts ...any) (string, error) {
	h := sha256.New()
	for _, part := range parts {
		if c, ok := part.(*chart.Chart); ok {
			addChart(h, c)
			continue
		}
		text, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("values: %w", err)
		}
		fmt.Fprintf(h, "%d:", len(text))
		h.Write(text)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// ChartDigest identifies the content of a chart: all its files and those of
// its subcharts, however it was packaged.
func ChartDigest(c *chart.Chart) string {
	h := sha256.New()
	addChart(h, c)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func addChart(h hash.Hash, c *chart.Chart) {
	files := slices.Concat(c.Templates, c.Files)
	slices.SortStableFunc(files, func(a, b *chart.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range files {
		fmt.Fprintf(h, "%d:%s%d:", len(f.Name), f.Name, len(f.Data))
		h.Write(f.Data)
	}
	for _, part := range []any{c.Metadata, c.Values, c.Schema} {
		text, _ := json.Marshal(part) // what was decoded from YAML can be encoded
		fmt.Fprintf(h, "%d:", len(text))
		h.Write(text)
	}
	subs := slices.Clone(c.Dependencies())
	slices.SortStableFunc(subs, func(a, b *chart.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	fmt.Fprintf(h, "%d:", len(subs))
	for _, sub := range subs {
		addChart(h, sub)
	}
}
