package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

func newDist(t *testing.T) *dist {
	return &dist{version: "v1.2.3", out: t.TempDir(), work: t.TempDir(), when: time.Unix(1_700_000_000, 0).UTC()}
}

// released makes a release of a few bytes in place of slipway's executables, but
// for the bill of materials.
func released(t *testing.T, keyring, key string) map[string][]byte {
	t.Helper()
	d, program := newDist(t), []byte("program")
	linux, windows := platform{"linux", "amd64"}, platform{"windows", "amd64"}
	built := map[platform][]file{
		linux:   {{name: "slipway", data: program, executable: true}},
		windows: {{name: "slipway.exe", data: program, executable: true}},
	}
	texts := []file{{name: "LICENSE", data: []byte("text\n")}}
	for p, files := range built {
		if err := d.archive(p, append(slices.Clone(files), texts...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []error{d.image(built), d.library("../../..", built), d.sums(keyring, key)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(d.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(d.out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestAReleaseIsTheSameTwice(t *testing.T) {
	first, second := released(t, "", ""), released(t, "", "")
	want := []string{"SHA256SUMS", "slipway_v1.2.3_digests.txt", "slipway_v1.2.3_image.tar", "slipway_v1.2.3_jenkins.tar.gz", "slipway_v1.2.3_linux_amd64.tar.gz", "slipway_v1.2.3_windows_amd64.zip"}
	for _, name := range want {
		if len(first[name]) == 0 || !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s: %d bytes, the same twice: %v", name, len(first[name]), bytes.Equal(first[name], second[name]))
		}
	}
	for line := range strings.Lines(string(first["SHA256SUMS"])) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		real := sha256.Sum256(first[name])
		if sum != hex.EncodeToString(real[:]) {
			t.Errorf("the sum of %s is wrong", name)
		}
	}
}

// unpacked are the files of a tarball, and their modes.
func unpacked(t *testing.T, archive []byte) (texts map[string]string, modes map[string]int64) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	texts, modes = map[string]string{}, map[string]int64{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return texts, modes
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		texts[h.Name], modes[h.Name] = string(data), h.Mode
	}
}

// TestTheLibraryOfAReleaseKnowsItsExecutables holds the digests against the files
// of the archives. That the library refuses others is tested in cmd/jenkins.
func TestTheLibraryOfAReleaseKnowsItsExecutables(t *testing.T) {
	files := released(t, "", "")
	texts, _ := unpacked(t, files["slipway_v1.2.3_linux_amd64.tar.gz"])
	sum := sha256.Sum256([]byte(texts["slipway_v1.2.3_linux_amd64/slipway"]))
	want := hex.EncodeToString(sum[:])
	want = want + "  linux_amd64/slipway\n" + want + "  windows_amd64/slipway.exe\n"
	if got := string(files["slipway_v1.2.3_digests.txt"]); got != want {
		t.Errorf("digests are\n%s, want\n%s", got, want)
	}
	library, _ := unpacked(t, files["slipway_v1.2.3_jenkins.tar.gz"])
	if got := library["resources/slipway/digests.txt"]; got != want {
		t.Errorf("digests of the library are\n%s", got)
	}
	for _, name := range []string{"vars/slipway.groovy", "vars/slipway.txt", "examples/canary.Jenkinsfile"} {
		data, err := os.ReadFile(filepath.Join("../../jenkins", name))
		if err != nil || library[name] != string(data) {
			t.Errorf("%s is not in the library: %v", name, err)
		}
	}
	if len(library) < 8 {
		t.Errorf("only %d files are in the library", len(library))
	}
}

func TestArchivesUnpack(t *testing.T) {
	files := released(t, "", "")
	_, modes := unpacked(t, files["slipway_v1.2.3_linux_amd64.tar.gz"])
	if modes["slipway_v1.2.3_linux_amd64/slipway"] != 0o755 || modes["slipway_v1.2.3_linux_amd64/LICENSE"] != 0o644 {
		t.Errorf("modes in the archive: %v", modes)
	}
	archive := files["slipway_v1.2.3_windows_amd64.zip"]
	w, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open("slipway_v1.2.3_windows_amd64/slipway.exe"); err != nil {
		t.Error(err)
	}
}

func TestTheImageIsOneThatRegistriesTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, released(t, "", "")["slipway_v1.2.3_image.tar"], 0o644); err != nil {
		t.Fatal(err)
	}
	store, err := oci.NewFromTar(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(d ocispec.Descriptor, into any) {
		t.Helper()
		text, err := content.FetchAll(t.Context(), store, d) // checks size and digest
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	top, err := store.Resolve(t.Context(), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	var manifest ocispec.Manifest
	var image ocispec.Image
	fetch(top, &index)
	fetch(index.Manifests[0], &manifest)
	fetch(manifest.Config, &image)
	if image.Config.User != nobody || image.Architecture != "amd64" || image.Config.Entrypoint[0] != "/usr/local/bin/slipway" {
		t.Errorf("the image is %+v", image)
	}
	layer, err := content.FetchAll(t.Context(), store, manifest.Layers[0])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(plain); image.RootFS.DiffIDs[0].Encoded() != hex.EncodeToString(sum[:]) {
		t.Error("the layer is not the one that the image names")
	}
	if !bytes.Contains(plain, []byte("-----BEGIN CERTIFICATE-----")) {
		t.Error("the image trusts nobody")
	}
}

func TestTheBillNamesWhatIsLinked(t *testing.T) {
	self, err := os.Executable() // is linked from modules, too
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	bill := func() []byte {
		d := newDist(t)
		if err := d.billOfMaterials(map[platform][]file{{"linux", "amd64"}: {{name: "slipway", data: program}}}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(d.out, "slipway_v1.2.3_sbom.cdx.json"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := bill()
	if !bytes.Equal(text, bill()) {
		t.Error("the bill is not the same twice")
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range *bom.Components {
		names = append(names, c.Name)
	}
	for _, want := range []string{"std", "github.com/spf13/cobra", "github.com/ProtonMail/go-crypto"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in the bill: %v", want, names)
		}
	}
}

func TestTheSumsAreSigned(t *testing.T) {
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var keys bytes.Buffer
	if err := entity.SerializePrivate(&keys, nil); err != nil {
		t.Fatal(err)
	}
	keyring := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keyring, keys.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	files := released(t, keyring, "release@example.com")
	block, _ := clearsign.Decode(files["SHA256SUMS.asc"])
	if block == nil || string(block.Plaintext) != string(files["SHA256SUMS"]) {
		t.Fatalf("the signed text is not the list of sums:\n%s", files["SHA256SUMS.asc"])
	}
	if _, err := openpgp.CheckDetachedSignature(openpgp.EntityList{entity}, bytes.NewReader(block.Bytes), block.ArmoredSignature.Body, nil); err != nil {
		t.Error(err)
	}
}
