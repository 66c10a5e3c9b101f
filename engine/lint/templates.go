package lint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/engine/lint/internal/rules"
)

const templatesFolder = "templates/"

// templates renders the chart and runs Helm's rules on its own templates.
func (l *linter) templates() {
	if info, err := os.Stat(filepath.Join(l.folder, "templates")); err == nil && !info.IsDir() {
		l.helm("templates-folder", Warning, templatesFolder, errors.New("not a directory"), position{})
		return
	}
	c, err := l.load()
	if err != nil {
		l.helm("chart-load", Error, templatesFolder, err, position{})
		return
	}
	result, err := l.render(l.ctx, c, l.values, l.options)
	if err != nil {
		l.helmRender(err)
		return
	}
	if result == nil {
		return
	}
	l.rendered = result
	contents := make(map[string]string, len(result.files))
	for _, file := range result.files {
		contents[file.Name] = file.Content
	}
	major, minor, versionErr := l.kubeVersion()
	for _, file := range inFolderOrder(c.Templates) {
		if l.ctx.Err() != nil {
			return
		}
		l.templateText(file)
		content := contents[path.Join(c.Name(), file.Name)]
		if filepath.Ext(file.Name) != ".yaml" || strings.TrimSpace(content) == "" {
			continue
		}
		l.helmRendered("template-indent", Warning, file.Name, checkIndent(content), func() int {
			return len(content) - len(strings.TrimLeftFunc(content, unicode.IsSpace))
		})
		if !l.objects(file.Name, content, major, minor, versionErr) {
			l.yamlFailed = true
			return
		}
	}
}

// helmRender reports a failed render, at the place in the template where that
// is known.
func (l *linter) helmRender(err error) {
	l.helm("render", Error, templatesFolder, err, position{})
	var where *engine.TemplateError
	if errors.As(err, &where) {
		found := &l.findings[len(l.findings)-1]
		found.File, found.Line, found.Col = l.insideChart(where.File), where.Line, where.Col
	}
}

// insideChart makes a template's full name relative to the chart's folder.
func (l *linter) insideChart(name string) string {
	if l.chart == nil {
		return name
	}
	return strings.TrimPrefix(name, l.chart.Name()+"/")
}

// kubeVersion returns the version that the rule about deprecated APIs assumes.
func (l *linter) kubeVersion() (major, minor int, err error) {
	version := engine.DefaultCapabilities().KubeVersion
	if l.options.KubeVersion != nil {
		version = *l.options.KubeVersion
	}
	if major, err = strconv.Atoi(version.Major); err != nil {
		return 0, 0, err
	}
	minor, err = strconv.Atoi(version.Minor)
	return major, minor, err
}

// inFolderOrder gives templates in the order in which a walk through the
// chart's folder meets them.
func inFolderOrder(files []*chart.File) []*chart.File {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *chart.File) int {
		return slices.Compare(strings.Split(a.Name, "/"), strings.Split(b.Name, "/"))
	})
	return files
}

var (
	crdHook     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"?helm\.sh/hook"?:\s+crd-install`) })
	releaseTime = ".Release.Time"
)

// templateText runs the rules that look at a template's source.
func (l *linter) templateText(file *chart.File) {
	switch ext := filepath.Ext(file.Name); ext {
	case ".yaml", ".yml", ".tpl", ".txt":
	default:
		l.helm("template-extension", Error, file.Name,
			fmt.Errorf("file extension '%s' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt", ext), position{})
	}
	text := string(file.Data)
	if strings.Contains(text, "crd-install") {
		if at := crdHook().FindStringIndex(text); at != nil {
			l.helm("crd-hook", Warning, file.Name, errors.New("manifest is a crd-install hook. This hook is no longer "+
				"supported in v3 and all CRDs should also exist the crds/ directory at the top level of the chart"), positionAt(text, at[0]))
		}
	}
	if at := strings.Index(text, releaseTime); at >= 0 {
		l.helm("release-time", Error, file.Name, errors.New(".Release.Time has been removed in v3, "+
			"please replace with the `now` function in your templates"), positionAt(text, at))
	}
}

// checkIndent complains about a first line that is indented.
func checkIndent(content string) error {
	lines := bufio.NewScanner(strings.NewReader(content))
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			return fmt.Errorf("document starts with an illegal indent: %q, which may cause parsing problems", line)
		}
		return nil
	}
	return lines.Err()
}

// objects runs the rules on the objects of a rendered file. It returns false
// when the file is not YAML, which ends Helm's rules on templates.
func (l *linter) objects(name, content string, major, minor int, versionErr error) bool {
	documents := newStream(content)
	for {
		object, err := documents.next()
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return true
		}
		if err != nil {
			return l.helmRendered("template-yaml", Error, name, fmt.Errorf("unable to parse YAML: %w", err), func() int {
				return documents.faultAt(err)
			})
		}
		if object == nil {
			continue
		}
		check := func(rule string, severity Severity, err error, at ...string) {
			l.helmRendered(rule, severity, name, err, func() int { return documents.keyAt(at...) })
		}
		check("object-name", Warning, checkObjectName(object.Kind, object.Metadata.Name), "metadata", "name")
		check("deprecated-api", Warning, checkDeprecated(object, major, minor, versionErr), "apiVersion")
		check("match-selector", Error, checkSelector(object, content), "spec")
		check("list-annotations", Error, checkListAnnotations(object, content), "items")
	}
}

func checkDeprecated(object *rules.K8sYamlStruct, major, minor int, versionErr error) error {
	if versionErr != nil {
		return nil
	}
	if text := deprecation(object.APIVersion, object.Kind, major, minor); text != "" {
		return errors.New(text)
	}
	return nil
}

// checkSelector looks for a selector in the whole file, as Helm does.
func checkSelector(object *rules.K8sYamlStruct, content string) error {
	switch object.Kind {
	case "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet":
		if !strings.Contains(content, "matchLabels") && !strings.Contains(content, "matchExpressions") {
			return fmt.Errorf("a %s must contain matchLabels or matchExpressions, and %q does not", object.Kind, object.Metadata.Name)
		}
	}
	return nil
}
