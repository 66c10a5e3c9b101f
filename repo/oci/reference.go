package oci

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"
)

// Scheme begins every reference.
const Scheme = "oci://"

// Is says whether text names something in an OCI registry.
func Is(text string) bool { return strings.HasPrefix(text, Scheme) }

// Reference names a registry, or a repository in it, or a chart in that.
type Reference struct {
	Host       string // with the port, if there is one
	Repository string // such as charts/web, or "" for the registry
	Version    string // of the chart, with + and not _, or ""
	Digest     string // of the manifest, such as sha256:..., or ""
}

// Parse reads oci://HOST[/REPOSITORY][:VERSION][@DIGEST].
func Parse(text string) (Reference, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Reference{}, fmt.Errorf("reference %q: has to begin with %s", text, Scheme)
	}
	var r Reference
	r.Host, rest, ok = strings.Cut(rest, "/")
	if strings.Contains(r.Host, "@") && ok {
		return Reference{}, errors.New("reference: names and passwords do not belong into it; log in to the registry")
	}
	rest, r.Digest, _ = strings.Cut(rest, "@")
	r.Repository, r.Version, _ = strings.Cut(strings.TrimRight(rest, "/"), ":")
	r.Version = strings.ReplaceAll(r.Version, "_", "+")
	if err := r.check(); err != nil {
		return Reference{}, fmt.Errorf("reference %q: %w", text, err)
	}
	return r, nil
}

func (r Reference) check() error {
	if err := (registry.Reference{Registry: r.Host}).ValidateRegistry(); err != nil || strings.ContainsAny(r.Host, "@?#") {
		return errors.New("the registry is no host")
	}
	named := registry.Reference{Registry: r.Host, Repository: r.Repository}
	switch {
	case r.Repository == "" && (r.Version != "" || r.Digest != ""):
		return errors.New("names no repository")
	case r.Repository != "" && named.ValidateRepository() != nil:
		return fmt.Errorf("%q is no name of a repository; registries take lower-case letters, digits, and - . _ between them", r.Repository)
	case len(r.Repository) > 255:
		return errors.New("the repository's name is longer than 255 bytes")
	}
	if named.Reference = r.tag(); r.Version != "" && named.ValidateReferenceAsTag() != nil {
		return fmt.Errorf("%q is no version that can be a tag", r.Version)
	}
	if r.Digest != "" && digest.Digest(r.Digest).Validate() != nil {
		return fmt.Errorf("%q is no digest such as sha256:... with 64 hexadecimal digits", r.Digest)
	}
	return nil
}

// tag is the version as registries spell it: they do not take a +.
func (r Reference) tag() string { return strings.ReplaceAll(r.Version, "+", "_") }

// name is the last part of the repository: the chart's.
func (r Reference) name() string { return path.Base(r.Repository) }

// String gives the text that Parse reads.
func (r Reference) String() string {
	text := Scheme + r.Host
	if r.Repository != "" {
		text += "/" + r.Repository
	}
	if r.Version != "" {
		text += ":" + r.Version
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// remote is the reference as the registry knows it, without version and digest.
func (r Reference) remote() registry.Reference {
	return registry.Reference{Registry: r.Host, Repository: r.Repository}
}
