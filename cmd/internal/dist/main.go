// Command dist makes what a release of slipway consists of:
//
//	go run ./cmd/internal/dist -version v1.2.3 -out dist
//
// An archive for each system with both executables, the man pages and the
// completions; an OCI image layout; a list of what is linked into the
// executables (CycloneDX); their digests, and the Jenkins library that runs none
// with others; and SHA256SUMS, signed if -key names a key. The same commit gives
// the same bytes: all times are that of the commit.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/e6d26078/slipway/provenance"
)

// platforms are the systems that there are archives for.
var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"},
}

type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

// executables are the commands of a release.
var executables = []string{"slipway", "slipway-cluster"}

func main() {
	var d dist
	flag.StringVar(&d.version, "version", "", "version of the release, such as v1.2.3")
	flag.StringVar(&d.out, "out", "dist", "folder for the files; it must not be there yet")
	keyring := flag.String("keyring", "", "file with the secret key that signs")
	key := flag.String("key", "", "name or fingerprint of that key")
	only := flag.String("only", "", "systems to build for, such as linux_amd64,windows_amd64; all without it")
	flag.Parse()
	if err := d.run(*keyring, *key, *only); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// dist is one release in the making.
type dist struct {
	version string
	out     string
	when    time.Time // of the commit
	work    string    // folder for what is in between
}

var validVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func (d *dist) run(keyring, key, only string) (err error) {
	if !validVersion.MatchString(d.version) {
		return fmt.Errorf("-version %q is not like v1.2.3", d.version)
	}
	if d.when, err = commitTime(); err != nil {
		return err
	}
	if err := os.Mkdir(d.out, 0o755); err != nil {
		return err
	}
	if d.work, err = os.MkdirTemp("", "slipway-dist-"); err != nil {
		return err
	}
	defer os.RemoveAll(d.work)
	texts, err := d.texts()
	if err != nil {
		return err
	}
	built := map[platform][]file{}
	for _, p := range platforms {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.String()) {
			continue
		}
		if built[p], err = d.build(p); err != nil {
			return err
		}
		if err := d.archive(p, append(slices.Clone(built[p]), texts...)); err != nil {
			return err
		}
	}
	if err := d.image(built); err != nil {
		return fmt.Errorf("image: %w", err)
	}
	if err := d.billOfMaterials(built); err != nil {
		return fmt.Errorf("bill of materials: %w", err)
	}
	if err := d.library(".", built); err != nil {
		return fmt.Errorf("library for Jenkins: %w", err)
	}
	return d.sums(keyring, key)
}

// commitTime is SOURCE_DATE_EPOCH, or the time of the commit that is checked out.
func commitTime() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.Command("git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("git log: %w; set SOURCE_DATE_EPOCH", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err
}

// build builds the executables for a system.
func (d *dist) build(p platform) ([]file, error) {
	var files []file
	for _, name := range executables {
		full := name
		if p.os == "windows" {
			full += ".exe"
		}
		path := filepath.Join(d.work, p.String(), full)
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path,
			"-ldflags", "-s -w -buildid= -X github.com/e6d26078/slipway/cmd/internal/cli.version="+d.version, "./cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("build %s for %s: %w", name, p, err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: full, data: data, executable: true})
	}
	return files, nil
}

// sums writes the digests of all files, and signs them if there is a key.
func (d *dist) sums(keyring, key string) error {
	entries, err := os.ReadDir(d.out)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	var text strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(d.out, e.Name()))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		fmt.Fprintf(&text, "%s  %s\n", hex.EncodeToString(sum[:]), e.Name())
	}
	if err := os.WriteFile(filepath.Join(d.out, "SHA256SUMS"), []byte(text.String()), 0o644); err != nil {
		return err
	}
	if keyring == "" && key == "" {
		return nil
	}
	signed, err := sign(keyring, key, text.String())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.out, "SHA256SUMS.asc"), signed, 0o644)
}

func sign(keyring, key, text string) ([]byte, error) {
	f, err := os.Open(keyring)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys, err := provenance.ReadKeyring(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyring, err)
	}
	signer, err := keys.Signer(key, time.Now())
	if err != nil {
		return nil, err
	}
	if signer.Locked() {
		passphrase := os.Getenv("SLIPWAY_RELEASE_PASSPHRASE")
		if passphrase == "" {
			return nil, errors.New("the key has a passphrase: put it into SLIPWAY_RELEASE_PASSPHRASE")
		}
		if err := signer.Unlock([]byte(passphrase)); err != nil {
			return nil, err
		}
	}
	return signer.ClearSign(context.Background(), []byte(text))
}
