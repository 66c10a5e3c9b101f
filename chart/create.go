package chart

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/e6d26078/slipway/chart/yaml"
)

// starter is the chart that Create writes. The pattern all: takes in the files
// whose names begin with a dot or an underscore.
//
//go:embed all:starter
var starter embed.FS

// chartNamePlaceholder stands for the new chart's name in a starter.
const chartNamePlaceholder = "<CHARTNAME>"

// maxChartName is the length of the longest name that Create accepts.
const maxChartName = 250

// chartNamePattern is what Create accepts as a name.
var chartNamePattern = regexp.MustCompile("^[a-zA-Z0-9._-]+$")

// CreateOptions say how a new chart is made. The zero value gives the chart
// that comes with slipway.
type CreateOptions struct {
	// Starter, unless empty, is the path of a chart to make the new one of.
	Starter string
	// Warn, unless nil, is told of each file that is replaced.
	Warn func(message string)
}

// Create writes a new chart into the folder name below dir, which must exist,
// and gives the folder's absolute path. Files that are already there are
// replaced if the new chart has them too, and left alone otherwise. If the
// folder did not exist, it is not there after an error either.
//
// Of a starter, the name <CHARTNAME> is replaced in templates and in
// values.yaml, and Chart.yaml is written anew, as Helm does.
func Create(name, dir string, o CreateOptions) (string, error) {
	if err := checkChartName(name); err != nil {
		return "", err
	}
	parent, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(parent); err != nil {
		return "", err
	} else if !info.IsDir() {
		return "", fmt.Errorf("no such directory %s", parent)
	}
	var files []File
	if o.Starter == "" {
		files, err = builtinStarter(name)
	} else {
		files, err = givenStarter(name, o.Starter)
	}
	if err != nil {
		return "", err
	}
	target := filepath.Join(parent, name)
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = createFolder(target, func(root *os.Root) error {
			return errors.Join(writeFiles(root, files), root.MkdirAll("charts", 0o755))
		})
	case err == nil && !info.IsDir():
		err = fmt.Errorf("file %s already exists and is not a directory", target)
	case err == nil:
		err = overwriteFiles(target, files, o.Warn)
	}
	if err != nil {
		return "", fmt.Errorf("create chart %s: %w", name, err)
	}
	return target, nil
}

func checkChartName(name string) error {
	if name == "" || len(name) > maxChartName {
		return fmt.Errorf("chart name must be between 1 and %d characters", maxChartName)
	}
	if !chartNamePattern.MatchString(name) {
		return fmt.Errorf("chart name must match the regular expression %q", chartNamePattern)
	}
	if name == "." || name == ".." {
		return fmt.Errorf("chart name %q is not allowed", name)
	}
	return nil
}

// overwriteFiles writes files into the folder dir, which exists.
func overwriteFiles(dir string, files []File, warn func(string)) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	err = replaceFiles(root, files, warn)
	return errors.Join(err, root.MkdirAll("charts", 0o755), root.Close())
}

func replaceFiles(root *os.Root, files []File, warn func(string)) error {
	for _, f := range files {
		if _, err := root.Lstat(f.Name); err == nil && warn != nil {
			warn(fmt.Sprintf("File %q already exists. Overwriting.", filepath.Join(root.Name(), f.Name)))
		}
		if err := root.MkdirAll(path.Dir(f.Name), 0o755); err != nil {
			return fmt.Errorf("create folder of %s: %w", f.Name, err)
		}
		if err := root.WriteFile(f.Name, f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// builtinStarter gives the files of the chart that comes with slipway.
func builtinStarter(name string) ([]File, error) {
	var files []File
	err := fs.WalkDir(starter, "starter", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := starter.ReadFile(p)
		if err != nil {
			return err
		}
		files = append(files, File{Name: strings.TrimPrefix(p, "starter/"), Data: setChartName(data, name)})
		return nil
	})
	return files, err
}

// givenStarter gives the files of the chart at path as those of a new chart.
func givenStarter(name, path string) ([]File, error) {
	c, err := Load(path)
	if err != nil {
		return nil, fmt.Errorf("could not load %s: %w", path, err)
	}
	m := &Metadata{
		Name:        name,
		Description: "A chart for Kubernetes",
		Type:        "application",
		Version:     "0.1.0",
		AppVersion:  "0.1.0",
		APIVersion:  apiVersionV2,
	}
	data, err := marshalMetadata(m)
	if err != nil {
		return nil, err
	}
	files := []File{{Name: chartFile, Data: data}}
	for _, f := range c.Raw {
		switch {
		case f.Name == valuesFile:
			values := setChartName(f.Data, name)
			if _, err := yaml.DecodeMap(values); err != nil {
				return nil, fmt.Errorf("transforming values file: %w", err)
			}
			files = append(files, File{Name: f.Name, Data: values})
		case strings.HasPrefix(f.Name, templatesDir):
			files = append(files, File{Name: f.Name, Data: setChartName(f.Data, name)})
		case f.Name != chartFile && f.Name != lockFile && f.Name != requirementsFile && f.Name != requirementsLockFile:
			files = append(files, *f)
		}
	}
	return files, nil
}

func setChartName(data []byte, name string) []byte {
	return []byte(strings.ReplaceAll(string(data), chartNamePlaceholder, name))
}
