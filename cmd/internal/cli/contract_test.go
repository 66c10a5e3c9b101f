package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

// TestContract runs testdata/contract against a real control plane: rules of
// docs/design/0009-pipeline.md that hold for all commands. Beside the commands of
// TestDeploying there are leak of TestFaults, keys of TestOptions and obeys of
// TestServersInScripts. Caches are below home, temporary files in tmp.
func TestContract(t *testing.T) {
	runOnCluster(t, "testdata/contract", clusterScripts{
		commands: func(scriptObjects) scriptCommands {
			return scriptCommands{"leak": leak, "keys": keys, "obeys": obeysScript, "interrupt": interrupt, "valid": validFile}
		},
		setup: func(env *testscript.Env, _ *clustertest.Cluster) error {
			for _, name := range []string{"home", "tmp"} {
				if err := os.Mkdir(filepath.Join(env.WorkDir, name), 0o755); err != nil {
					return err
				}
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			env.Setenv("CANARY", "zq7-canary-Xw93")
			return nil
		},
	})
}

// TestAResultIsNeverHalfThere reads a result while it is replaced.
func TestAResultIsNeverHalfThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), resultFile)
	var writer sync.WaitGroup
	defer writer.Wait()
	stop := make(chan struct{})
	defer close(stop)
	write := func(i int) error {
		text, err := jsonText(map[string]string{"message": strings.Repeat("x", (1+i%2)*200_000)})
		if err != nil {
			return err
		}
		return replaceFile(name, []byte(text))
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := write(i); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 500 {
		data, err := os.ReadFile(name)
		if err != nil || !json.Valid(data) {
			t.Fatalf("%d bytes that are no document: %v", len(data), err)
		}
	}
}

// lockedBuffer is written by a goroutine while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.String()
}

// TestAWaitIsToldOfAgainAndAgain lets the heartbeat of 30 s beat faster.
func TestAWaitIsToldOfAgainAndAgain(t *testing.T) {
	if heartbeat != 30*time.Second {
		t.Errorf("it beats every %s", heartbeat)
	}
	out := &lockedBuffer{}
	a := &app{env: Env{Getenv: func(string) string { return "" }, Stderr: out, Now: time.Now}}
	p, err := a.newProgress(progressFlags{}, "upgrade web")
	if err != nil {
		t.Fatal(err)
	}
	p.observe(deploy.Notice{Step: deploy.StepWait, Ref: manifest.Ref{APIVersion: "v1", Kind: "Pod", Name: "web"}, Action: "waiting", Message: "pending"})
	p.stopped.Go(func() { p.tick(time.Millisecond) })
	for strings.Count(out.String(), "waiting for 1: Pod web (pending)\n") < 3 {
		time.Sleep(time.Millisecond)
	}
	if err := p.finish("upgrade web", nil); err != nil {
		t.Error(err)
	}
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("%q", out.String())
	}
}

// TestGatesAreTestCases follows rollouts through their phases.
func TestGatesAreTestCases(t *testing.T) {
	for _, test := range []struct {
		name   string
		phases []string // ACTION MESSAGE
		failed bool
		want   []string // case: failure
	}{
		{"at the first gate", []string{"pinning", "scaling step 1 of 2: 10 %", "verifying step 1 of 2: 10 %", "gate step 1 of 2: 10 %"}, false, []string{"1 of 2: 10: "}},
		{"through all", []string{"scaling step 1 of 2: 10 %", "scaling step 2 of 2: 50 %", "measured health: good", "gate step 2 of 2: 50 %", "committing"}, false, []string{"1 of 2: 10: ", "2 of 2: 50: "}},
		{"taken back", []string{"gate step 1 of 2: 10 %", "scaling step 2 of 2: 50 %", "returning: errors: 7 %"}, true, []string{"1 of 2: 10: ", "2 of 2: 50: errors: 7 %"}},
		{"failed at a step", []string{"verifying step 1 of 1: 10 %: health failed"}, true, []string{"1 of 1: 10: health failed"}},
		{"interrupted", []string{"scaling step 1 of 1: 10 %"}, true, []string{"1 of 1: 10: not finished"}},
	} {
		j, err := newJUnit(filepath.Join(t.TempDir(), "junit.xml"), noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range test.phases {
			action, _, _ := strings.Cut(message, " ")
			action = strings.TrimSuffix(action, ":")
			j.note(deploy.Notice{Time: noon, Step: deploy.StepRollout, Action: action, Message: strings.TrimPrefix(message, "measured ")})
		}
		var failure error
		if test.failed {
			failure = errChanges
		}
		if err := j.write("rollout start web", failure, noon); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range j.cases {
			if c.class != "gates" {
				t.Errorf("%s: a case of %s", test.name, c.class)
			}
			got = append(got, c.name+": "+c.failure)
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestTheTableOfTheContractNamesWhatIsThere reads the design: tests, scripts and
// scenarios by their names.
func TestTheTableOfTheContractNamesWhatIsThere(t *testing.T) {
	page, err := os.ReadFile("../../../docs/design/0009-pipeline.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n## What holds where\n")
	var sources strings.Builder
	err = filepath.WalkDir("../../..", func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 || path == filepath.FromSlash("../../../dist")):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"), entry.Name() == "scenarios.groovy":
			data, err := os.ReadFile(path)
			sources.Write(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, count := sources.String(), 0
	for line := range strings.Lines(table) {
		for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1) {
			if count++; !strings.Contains(text, "\nfunc "+name[1]+"(t *testing.T)") {
				t.Errorf("there is no test %s", name[1])
			}
		}
		_, rest, _ := strings.Cut(line, "scenario")
		for _, name := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(strings.Split(rest, ";")[0], -1) {
			if count++; name[1] != "input" && !strings.Contains(text, "    "+name[1]+": { Scenario s ->") {
				t.Errorf("there is no scenario %s", name[1])
			}
		}
		for _, name := range regexp.MustCompile(`[ (|]((?:deploying|faults|options|pipeline|rollout|script|contract|ci)/[a-z]+)`).FindAllStringSubmatch(line, -1) {
			count++
			if _, err := os.Stat(filepath.Join("testdata", filepath.FromSlash(name[1])+".txtar")); err != nil {
				t.Error(err)
			}
		}
	}
	if count < 60 {
		t.Errorf("only %d names were found", count)
	}
}
