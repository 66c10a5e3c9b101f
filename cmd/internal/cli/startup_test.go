package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxInit is what a package may take to initialise, in milliseconds.
const maxInit = 1.0

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)

func TestNoPackageTakesLongToInitialise(t *testing.T) {
	for _, test := range []struct {
		command string
		slow    map[string]float64 // packages that may take longer, in milliseconds
	}{
		{"slipway", nil},
		// Every client of Kubernetes' own types registers all of them here.
		{"slipway-cluster", map[string]float64{"k8s.io/client-go/kubernetes/scheme": 5}},
	} {
		t.Run(test.command, func(t *testing.T) { testInitTimes(t, test.command, test.slow) })
	}
}

func testInitTimes(t *testing.T, command string, slow map[string]float64) {
	binary := filepath.Join(t.TempDir(), command+".exe")
	if out, err := exec.Command("go", "build", "-o", binary, "../../"+command).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// Other processes slow single runs down: the fastest of several counts.
	fastest := map[string]float64{}
	for range 5 {
		for name, took := range initTimes(t, binary) {
			if before, seen := fastest[name]; !seen || took < before {
				fastest[name] = took
			}
		}
	}
	sum := 0.0
	for name, took := range fastest {
		sum += took
		if took > max(maxInit, slow[name]) {
			t.Errorf("initialising %s takes %.2f ms", name, took)
		}
	}
	t.Logf("%d packages, %.2f ms", len(fastest), sum)
	if len(fastest) < 10 {
		t.Error("the runtime's trace of initialisation has changed its form")
	}
}

// initTimes gives the time of each package's initialisation in milliseconds.
func initTimes(t *testing.T, binary string) map[string]float64 {
	t.Helper()
	cmd := exec.Command(binary, "version", "--short")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	times := map[string]float64{}
	for _, m := range initLine.FindAllStringSubmatch(stderr.String(), -1) {
		took, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		times[m[1]] = took
	}
	return times
}
