package lint

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/Masterminds/semver/v3"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
)

const (
	chartYAML = "Chart.yaml"

	apiV1 = "v1"
	apiV2 = "v2"
)

// chartfile runs Helm's rules on Chart.yaml.
func (l *linter) chartfile() {
	path := filepath.Join(l.folder, chartYAML)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		l.helm("chart-yaml", Error, chartYAML, errors.New("should be a file, not a directory"), position{})
	}
	var metadata chart.Metadata
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, &metadata)
	}
	if err != nil {
		l.helm("chart-yaml", Error, chartYAML, fmt.Errorf("unable to parse YAML\n\t%w", err), position{})
		return
	}
	l.chartText = text
	tree := parseTree(text)
	raw, err := yaml.DecodeMap(text)
	if err != nil {
		raw = nil // Helm looks at the types of what it could read, which is nothing
	}
	check := func(rule string, key string, err error) {
		l.helm(rule, Error, chartYAML, err, tree.key(key))
	}
	check("chart-name", "name", checkName(&metadata))
	check("chart-api-version", "apiVersion", checkAPIVersion(&metadata))
	check("chart-version-type", "version", checkString(raw, "version"))
	check("chart-version", "version", checkVersion(&metadata))
	check("chart-app-version-type", "appVersion", checkString(raw, "appVersion"))
	check("chart-maintainers", "maintainers", checkMaintainers(&metadata))
	check("chart-sources", "sources", checkSources(&metadata))
	if metadata.Icon == "" {
		l.helm("chart-icon", Info, chartYAML, errors.New("icon is recommended"), position{})
	} else if !isRequestURL(metadata.Icon) {
		check("chart-icon-url", "icon", fmt.Errorf("invalid icon URL '%s'", metadata.Icon))
	}
	if metadata.Type != "" && metadata.APIVersion != apiV2 {
		check("chart-type", "type", fmt.Errorf("chart type is not valid in apiVersion '%s'. It is valid in apiVersion '%s'",
			metadata.APIVersion, apiV2))
	}
	if len(metadata.Dependencies) > 0 && metadata.APIVersion != apiV2 {
		check("chart-dependencies", "dependencies", fmt.Errorf(
			"dependencies are not valid in the Chart file with apiVersion '%s'. They are valid in apiVersion '%s'",
			metadata.APIVersion, apiV2))
	}
}

func checkName(m *chart.Metadata) error {
	switch {
	case m.Name == "":
		return errors.New("name is required")
	case filepath.Base(m.Name) != m.Name:
		return fmt.Errorf("chart name %q is invalid", m.Name)
	}
	return nil
}

func checkAPIVersion(m *chart.Metadata) error {
	switch m.APIVersion {
	case "":
		return errors.New(`apiVersion is required. The value must be either "v1" or "v2"`)
	case apiV1, apiV2:
		return nil
	}
	return fmt.Errorf(`apiVersion '%s' is not valid. The value must be either "v1" or "v2"`, m.APIVersion)
}

// checkString says of which type a key is that should be text. Helm reads
// numbers as text all the same, but 1.10 becomes 1.1.
func checkString(raw map[string]any, key string) error {
	value, set := raw[key]
	if _, isString := value.(string); !set || isString {
		return nil
	}
	return fmt.Errorf("%s should be of type string but it's of type %T", key, value)
}

func checkVersion(m *chart.Metadata) error {
	if m.Version == "" {
		return errors.New("version is required")
	}
	version, err := semver.NewVersion(m.Version)
	if err != nil {
		return fmt.Errorf("version '%s' is not a valid SemVer", m.Version)
	}
	positive, err := semver.NewConstraint(">0.0.0-0")
	if err != nil {
		return err
	}
	if ok, reasons := positive.Validate(version); !ok && len(reasons) > 0 {
		return fmt.Errorf("version %w", reasons[0])
	}
	return nil
}

func checkMaintainers(m *chart.Metadata) error {
	for _, who := range m.Maintainers {
		switch {
		case who == nil:
			return errors.New("a maintainer entry is empty")
		case who.Name == "":
			return errors.New("each maintainer requires a name")
		case who.Email != "" && !isEmail(who.Email):
			return fmt.Errorf("invalid email '%s' for maintainer '%s'", who.Email, who.Name)
		case who.URL != "" && !isURL(who.URL):
			return fmt.Errorf("invalid url '%s' for maintainer '%s'", who.URL, who.Name)
		}
	}
	return nil
}

func checkSources(m *chart.Metadata) error {
	for _, source := range m.Sources {
		if !isRequestURL(source) {
			return fmt.Errorf("invalid source URL '%s'", source)
		}
	}
	return nil
}

func isRequestURL(text string) bool {
	parsed, err := url.ParseRequestURI(text)
	return err == nil && parsed.Scheme != ""
}
