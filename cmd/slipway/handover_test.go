package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestSlipwayUnderTheNameOfSlipwayClusterDoesNotCallItself tries what would
// otherwise go on for ever: a copy of slipway, or a link to it, by that name.
func TestSlipwayUnderTheNameOfSlipwayClusterDoesNotCallItself(t *testing.T) {
	dir, suffix := t.TempDir(), ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	slipway := filepath.Join(dir, "slipway"+suffix)
	if out, err := exec.Command("go", "build", "-o", slipway, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for name, put := range map[string]func(from, to string) error{"copy": copyProgram, "link": os.Link, "symbolic link": os.Symlink} {
		t.Run(name, func(t *testing.T) {
			other := filepath.Join(dir, "slipway-cluster"+suffix)
			if err := put(slipway, other); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(other)
			out, err := exec.Command(slipway, "list").CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "it reaches no cluster") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700)
}
