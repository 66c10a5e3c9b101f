package lint

import (
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// position is a place in a text; zero means unknown.
type position struct{ line, col int }

// positionAt counts lines and bytes up to an offset.
func positionAt(text string, offset int) position {
	before := text[:min(offset, len(text))]
	return position{
		line: 1 + strings.Count(before, "\n"),
		col:  len(before) - strings.LastIndexByte(before, '\n'),
	}
}

func placeOf(p yaml.Position) position { return position{p.Line, p.Column} }

// tree is a YAML text with the place of everything in it. It is empty for a
// text that cannot be read.
type tree struct{ positions *yaml.Positions }

func parseTree(text []byte) tree {
	positions, err := yaml.Index(text)
	if err != nil {
		return tree{}
	}
	return tree{positions}
}

// key returns the place of the key at a path.
func (t tree) key(path ...string) position {
	if t.positions == nil {
		return position{}
	}
	node := t.positions.At(path...)
	if node == nil {
		return position{}
	}
	return placeOf(node.Position())
}

// booleanWord returns "true" or "false" for the words that YAML 1.1 takes for
// a boolean, and otherwise "".
func booleanWord(word string) string {
	switch word {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE":
		return "true"
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE":
		return "false"
	}
	return ""
}
