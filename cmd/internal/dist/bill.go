package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// billOfMaterials lists every module that is linked into any of the executables,
// as the executables say, in the form of CycloneDX.
func (d *dist) billOfMaterials(built map[platform][]file) error {
	modules := map[string]*debug.Module{}
	var toolchain string
	var executables []cdx.Component
	for _, p := range platforms {
		for _, f := range built[p] {
			info, err := buildinfo.Read(bytes.NewReader(f.data))
			if err != nil {
				return fmt.Errorf("%s for %s: %w", f.name, p, err)
			}
			toolchain = info.GoVersion
			for _, m := range info.Deps {
				modules[m.Path+"@"+m.Version] = m
			}
			sum := sha256.Sum256(f.data)
			executables = append(executables, cdx.Component{
				Type: cdx.ComponentTypeApplication, BOMRef: p.String() + "/" + f.name, Name: f.name, Version: d.version,
				Hashes:     &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
				Properties: &[]cdx.Property{{Name: "platform", Value: p.String()}},
			})
		}
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: d.when.Format("2006-01-02T15:04:05Z"),
		Component: &cdx.Component{
			Type: cdx.ComponentTypeApplication, BOMRef: "slipway", Name: "slipway", Version: d.version,
			PackageURL: "pkg:golang/github.com/e6d26078/slipway@" + d.version, Components: &executables,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		},
	}
	version := strings.TrimPrefix(toolchain, "go")
	components := []cdx.Component{{Type: cdx.ComponentTypeLibrary, BOMRef: "std", Name: "std", Version: version, PackageURL: "pkg:golang/std@" + version}}
	for _, key := range slices.Sorted(maps.Keys(modules)) {
		m := modules[key]
		components = append(components, cdx.Component{
			Type: cdx.ComponentTypeLibrary, BOMRef: key, Name: m.Path, Version: m.Version, PackageURL: "pkg:golang/" + m.Path + "@" + m.Version,
			Properties: &[]cdx.Property{{Name: "go.sum", Value: m.Sum}},
		})
	}
	bom.Components = &components
	var text bytes.Buffer
	encoder := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.Encode(bom); err != nil {
		return err
	}
	// The number is one for these contents, so that they stay reproducible.
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, text.Bytes()).URN()
	text.Reset()
	if err := encoder.Encode(bom); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.out, "slipway_"+d.version+"_sbom.cdx.json"), text.Bytes(), 0o644)
}
