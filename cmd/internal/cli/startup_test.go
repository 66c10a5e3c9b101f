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

// maxInit is how many bytes a package may allocate when it is initialised: about
// a millisecond's work. The time itself depends on what else the machine does.
const maxInit = 500_000

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, \S+ ms clock, (\d+) bytes`)

func TestNoPackageDoesMuchToInitialise(t *testing.T) {
	for _, test := range []struct {
		command string
		large   map[string]int // packages that may allocate more, in bytes
	}{
		{"slipway", nil},
		// Every client of Kubernetes' own types registers all of them here.
		{"slipway-cluster", map[string]int{"k8s.io/client-go/kubernetes/scheme": 800_000}},
	} {
		t.Run(test.command, func(t *testing.T) { testInit(t, test.command, test.large) })
	}
}

func testInit(t *testing.T, command string, large map[string]int) {
	binary := filepath.Join(t.TempDir(), command+".exe")
	if out, err := exec.Command("go", "build", "-o", binary, "../../"+command).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "version", "--short")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	packages, sum := 0, 0
	for _, m := range initLine.FindAllStringSubmatch(stderr.String(), -1) {
		bytes, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		packages++
		sum += bytes
		if bytes > max(maxInit, large[m[1]]) {
			t.Errorf("initialising %s allocates %d bytes", m[1], bytes)
		}
	}
	t.Logf("%d packages, %d bytes", packages, sum)
	if packages < 10 {
		t.Error("the runtime's trace of initialisation has changed its form")
	}
}
