package schema

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/chart/values/schema"
	"github.com/e6d26078/slipway/chart/yaml"
)

// Check holds a YAML file of one document against a schema. The error has a line NAME:LINE: WHAT
// for each fault. What it returns are the places of what is in the file, for
// [Place].
func Check(name string, data []byte, text string) (*yaml.Positions, error) {
	if err := yaml.CheckSingle(name, data); err != nil {
		return nil, err
	}
	tree, err := yaml.DecodeMap(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", placeOf(name, yaml.FaultLine(string(data), err)), err)
	}
	places, err := yaml.Index(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	for _, twice := range places.Duplicates() {
		path := strings.Join(twice.Last.Path(), ".")
		return nil, fmt.Errorf("%s: %s stands twice", placeOf(name, twice.Last.Position().Line), path)
	}
	rules, err := schema.Compile([]byte(text), schema.Options{})
	if err != nil {
		return nil, err
	}
	err = rules.Validate(tree)
	var invalid *schema.ValidationError
	if !errors.As(err, &invalid) {
		return places, err
	}
	problems := leaves(invalid.Problems())
	slices.SortStableFunc(problems, func(a, b schema.Problem) int { return cmp.Compare(lineOf(places, a), lineOf(places, b)) })
	var lines []string
	for _, p := range problems {
		where := strings.Join(p.Path, ".")
		if where != "" {
			where += ": "
		}
		lines = append(lines, placeOf(name, lineOf(places, p))+": "+where+p.Message)
	}
	return nil, errors.New(strings.Join(lines, "\n"))
}

// Place is where in a file something is, as NAME:LINE: at a path, or else at the
// nearest thing around it that is there.
func Place(name string, places *yaml.Positions, path ...string) string {
	return placeOf(name, lineAt(places, path))
}

func placeOf(name string, line int) string {
	if line == 0 {
		return name
	}
	return name + ":" + strconv.Itoa(line)
}

// leaves are the problems that have no others as their causes.
func leaves(problems []schema.Problem) []schema.Problem {
	var all []schema.Problem
	for _, p := range problems {
		if len(p.Causes) > 0 {
			all = append(all, leaves(p.Causes)...)
			continue
		}
		all = append(all, p)
	}
	return all
}

func lineOf(places *yaml.Positions, p schema.Problem) int {
	path := p.Path
	// What is not allowed is named in the message only.
	if quoted := regexp.MustCompile(`'([^']+)' not allowed`).FindStringSubmatch(p.Message); quoted != nil {
		path = append(path[:len(path):len(path)], quoted[1])
	}
	return lineAt(places, path)
}

func lineAt(places *yaml.Positions, path []string) int {
	for ; ; path = path[:len(path)-1] {
		if node := places.At(path...); node != nil {
			return node.Position().Line
		}
		if len(path) == 0 {
			return 0
		}
	}
}
