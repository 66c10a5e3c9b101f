package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"strings"

	helmloader "helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helmengine "helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/chart/yaml"
	"github.com/e6d26078/slipway/engine"
	"github.com/e6d26078/slipway/release/manifest"
)

// subject is one chart with the values that it needs.
type subject struct {
	name, path, valuesFile string
	archive                []byte
	values                 []byte
}

func newSubject(path string) (subject, error) {
	s := subject{name: strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".tgz"), path: path}
	var err error
	if s.archive, err = os.ReadFile(path); err != nil {
		return s, err
	}
	valuesFile := strings.TrimSuffix(path, ".tgz") + ".values.yaml"
	if s.values, err = os.ReadFile(valuesFile); err == nil {
		s.valuesFile = valuesFile
	}
	return s, nil
}

func (s *subject) args() []string {
	args := []string{"template", "rel", s.path, "--namespace", "ns", "--include-crds", "--kube-version", "1.36.0"}
	if s.valuesFile != "" {
		args = append(args, "-f", s.valuesFile)
	}
	return args
}

var kube = chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}

// helmRender returns Helm's engine on the processed chart; values are made anew
// for each call, outside the time measured, since templates may change them.
func (s *subject) helmRender() (prepare func() error, render func() error, err error) {
	c, err := loadHelm(s.archive)
	if err != nil {
		return nil, nil, err
	}
	user, err := chartutil.ReadValues(s.values)
	if err != nil {
		return nil, nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, nil, err
	}
	var top chartutil.Values
	prepare = func() (err error) {
		top, err = helmValues(c, user)
		return err
	}
	render = func() error {
		_, err := helmengine.Render(c, top)
		return err
	}
	return prepare, render, nil
}

// helmFiles is Helm's way from the archive to the rendered files, notes left out.
func (s *subject) helmFiles() (map[string]string, error) {
	c, err := loadHelm(s.archive)
	if err != nil {
		return nil, err
	}
	user, err := chartutil.ReadValues(s.values)
	if err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependenciesWithMerge(c, user); err != nil {
		return nil, err
	}
	top, err := helmValues(c, user)
	if err != nil {
		return nil, err
	}
	files, err := helmengine.Render(c, top)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	return files, err
}

// helmPipeline is Helm's way from the archive to sorted manifests.
func (s *subject) helmPipeline() error {
	files, err := s.helmFiles()
	if err != nil {
		return err
	}
	_, _, err = releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	return err
}

// slipwayRender returns the render of a compiled chart. It includes what
// Helm's side prepared beforehand: selecting subcharts and merging values.
func (s *subject) slipwayRender() (func() error, error) {
	p, in, err := s.compile()
	if err != nil {
		return nil, err
	}
	return func() error {
		_, err := p.Render(context.Background(), in)
		return err
	}, nil
}

func (s *subject) slipwayPipeline() error {
	p, in, err := s.compile()
	if err != nil {
		return err
	}
	out, err := p.Render(context.Background(), in)
	if err != nil {
		return err
	}
	files := make([]manifest.File, len(out.Files))
	for i, f := range out.Files {
		files[i] = manifest.File(f)
	}
	_, files = manifest.Notes(files, out.Root.Name(), false)
	_, err = manifest.Sort(files, manifest.Options{})
	return err
}

func (s *subject) compile() (*engine.Program, engine.Input, error) {
	in := engine.Input{Release: engine.Release{Name: "rel", Namespace: "ns"}, Capabilities: engine.DefaultCapabilities()}
	in.Capabilities.KubeVersion = engine.KubeVersion{Version: kube.Version, Major: kube.Major, Minor: kube.Minor}
	c, err := chart.LoadArchive(bytes.NewReader(s.archive))
	if err != nil {
		return nil, in, err
	}
	if in.Values, err = yaml.DecodeMap(s.values); err != nil {
		return nil, in, err
	}
	p, err := engine.Compile(c, engine.Options{})
	return p, in, err
}

func helmValues(c *helmChart, user map[string]any) (chartutil.Values, error) {
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = kube
	options := chartutil.ReleaseOptions{Name: "rel", Namespace: "ns", Revision: 1, IsInstall: true}
	top, err := chartutil.ToRenderValues(c, user, options, caps)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return top, nil
}

func loadHelm(archive []byte) (*helmChart, error) {
	return helmloader.LoadArchive(bytes.NewReader(archive))
}

// mentions reports whether a template of the chart or of a subchart holds one of the words.
func mentions(c *helmChart, words []string) bool {
	for _, f := range c.Templates {
		for _, w := range words {
			if bytes.Contains(f.Data, []byte(w+" ")) {
				return true
			}
		}
	}
	for _, dep := range c.Dependencies() {
		if mentions(dep, words) {
			return true
		}
	}
	return false
}
