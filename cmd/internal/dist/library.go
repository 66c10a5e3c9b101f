package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// libraryFolder is where the Jenkins library is, from the root of the project.
const libraryFolder = "cmd/jenkins"

// digests lists those of the executables, "SHA256  SYSTEM/NAME" a line: what the
// parameter digests of the Jenkins library takes.
func digests(built map[platform][]file) string {
	var lines []string
	for p, files := range built {
		for _, f := range files {
			lines = append(lines, fmt.Sprintf("%x  %s/%s\n", sha256.Sum256(f.data), p, f.name))
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) })
	return strings.Join(lines, "")
}

// library writes the digests, and the Jenkins library with them in it: that runs no
// other executables than those of this release.
func (d *dist) library(root string, built map[platform][]file) error {
	pinned := digests(built)
	var files []file
	for _, pattern := range []string{"vars/*", "examples/*"} {
		found, err := filepath.Glob(filepath.Join(root, libraryFolder, filepath.FromSlash(pattern)))
		if err != nil {
			return err
		}
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			inside, err := filepath.Rel(filepath.Join(root, libraryFolder), path)
			if err != nil {
				return err
			}
			files = append(files, file{name: filepath.ToSlash(inside), data: data})
		}
	}
	files = append(files, file{name: "resources/slipway/digests.txt", data: []byte(pinned)})
	var out bytes.Buffer
	if err := tarball(&out, files, d.when); err != nil {
		return err
	}
	name := filepath.Join(d.out, "slipway_"+d.version)
	if err := os.WriteFile(name+"_jenkins.tar.gz", out.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(name+"_digests.txt", []byte(pinned), 0o644)
}
