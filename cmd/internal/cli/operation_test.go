package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/manifest"
)

func TestIDsSortByTimeAndDiffer(t *testing.T) {
	earlier, later := newID(time.UnixMilli(1_469_918_176_385)), newID(time.UnixMilli(1_469_918_176_386))
	if !strings.HasPrefix(earlier, "01ARYZ6S41") { // the time in the example of the ULID standard
		t.Errorf("%s does not begin with its time", earlier)
	}
	another := newID(time.UnixMilli(1_469_918_176_385))
	if len(earlier) != 26 || earlier >= later || earlier == another {
		t.Errorf("%s and %s", earlier, later)
	}
}

func TestRunsOfPipelinesAreRecognised(t *testing.T) {
	jenkins := map[string]string{"BUILD_TAG": "jenkins-web-7", "BUILD_URL": "https://ci/7", "BUILD_USER": "ann", "GIT_COMMIT": "abc"}
	github := map[string]string{
		"GITHUB_RUN_ID": "12", "GITHUB_RUN_ATTEMPT": "2", "GITHUB_JOB": "deploy", "RUNNER_NAME": "r1", "GITHUB_SERVER_URL": "https://gh",
		"GITHUB_REPOSITORY": "a/b", "GITHUB_ACTOR": "bob", "GITHUB_SHA": "def",
	}
	gitlab := map[string]string{"CI_JOB_ID": "9", "CI_JOB_URL": "https://gl/9", "GITLAB_USER_LOGIN": "cy", "CI_COMMIT_SHA": "123"}
	for name, test := range map[string]struct {
		env   map[string]string
		flags operationFlags
		owner string
		audit release.Audit
	}{
		"jenkins": {jenkins, operationFlags{}, "jenkins-web-7", release.Audit{Actor: "ann", BuildURL: "https://ci/7", Commit: "abc"}},
		"github":  {github, operationFlags{}, "github-12-2-deploy-r1", release.Audit{Actor: "bob", BuildURL: "https://gh/a/b/actions/runs/12", Commit: "def"}},
		"gitlab":  {gitlab, operationFlags{}, "gitlab-9", release.Audit{Actor: "cy", BuildURL: "https://gl/9", Commit: "123"}},
		"flags win": {
			jenkins, operationFlags{owner: "me", actor: "dan", buildURL: "u", commit: "c", reason: "r"},
			"me", release.Audit{Actor: "dan", BuildURL: "u", Commit: "c", Reason: "r"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{env: Env{Getenv: func(name string) string { return test.env[name] }}}
			if owner := a.ownerOf(&test.flags); owner != test.owner {
				t.Errorf("owner %s, want %s", owner, test.owner)
			}
			if diff := cmp.Diff(test.audit, a.auditOf(&test.flags)); diff != "" {
				t.Errorf("audit (- want, + got)\n%s", diff)
			}
		})
	}
}

// fakeLocker is held by somebody else for some tries.
type fakeLocker struct{ tries int }

func (f *fakeLocker) Acquire(context.Context, string, deploy.Holder) (deploy.Lock, error) {
	if f.tries--; f.tries >= 0 {
		return nil, &deploy.LockedError{Release: "web", Owner: "other"}
	}
	return nil, nil
}

func TestPatienceWithALockEnds(t *testing.T) {
	now := time.Unix(0, 0)
	for _, test := range []struct {
		patience time.Duration
		tries    int
		locked   bool
	}{{0, 1, true}, {time.Hour, 1, false}} {
		said := 0
		p := &patientLocker{locker: &fakeLocker{test.tries}, patience: test.patience, now: func() time.Time { return now }, observe: func(deploy.Notice) { said++ }}
		_, err := p.Acquire(t.Context(), "web", deploy.Holder{})
		if (err != nil) != test.locked || (said > 0) == test.locked {
			t.Errorf("%+v: %v, said %d times", test, err, said)
		}
	}
}

func TestHeartbeatNamesWhatIsWaitedFor(t *testing.T) {
	var out bytes.Buffer
	a := &app{env: Env{Getenv: func(string) string { return "" }, Stderr: &out, Now: time.Now}}
	p, err := a.newProgress(progressFlags{}, "upgrade web")
	if err != nil {
		t.Fatal(err)
	}
	web := manifest.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "prod", Name: "web"}
	p.observe(deploy.Notice{Step: deploy.StepWait, Ref: web, Action: "waiting", Message: "1 of 3\r replicas\x1b[2J are ready"})
	if want := "waiting for 1: Deployment prod/web (1 of 3 replicas[2J are ready)"; p.stillWaiting() != want || out.Len() > 0 {
		t.Errorf("%q and %q", p.stillWaiting(), out.String())
	}
	if diff := cmp.Diff([]string{"Deployment", "  prod/web  1 of 3 replicas[2J are ready"}, p.tree()); diff != "" {
		t.Error(diff)
	}
	p.observe(deploy.Notice{Step: deploy.StepWait, Ref: web, Action: "ready"})
	if out.String() != "ready Deployment prod/web\n" || len(p.tree()) != 0 {
		t.Errorf("%q, %v", out.String(), p.tree())
	}
	if err := p.finish("install web", nil); err != nil {
		t.Error(err)
	}
}

func TestScreenDrawsOverItself(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := newScreen(file)
	s.draw([]string{"one", "\x1b[31m" + strings.Repeat("x", 200) + "\x1b[0m"})
	s.draw([]string{"two"})
	s.erase()
	s.erase()
	var none *screen
	none.draw([]string{"nothing"})
	none.erase()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := "one\n\x1b[31m" + strings.Repeat("x", 79) + "\x1b[0m\n" + "\x1b[2A\r\x1b[J" + "two\n" + "\x1b[1A\r\x1b[J"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	s.draw(strings.Split(strings.Repeat("line\n", 40), "\n"))
	if s.drawn != 12 { // half of 24
		t.Errorf("%d lines were drawn", s.drawn)
	}
}

func TestSecretsAreHiddenInManifests(t *testing.T) {
	const text = "---\n# Source: a/s.yaml\nkind: Secret\ndata: {p: hush}\n---\n# Source: a/l.yaml\nkind: List\nitems: [{kind: Secret, data: {p: hush}}]\n" +
		"---\n# Source: a/b.yaml\nkind: Secret\n  p: hush\n---\n# Source: a/e.yaml\nkind: ExternalSecret\n"
	shown := hideSecrets(text)
	if strings.Contains(shown, "hush") || strings.Count(shown, hiddenSecret) != 3 || !strings.Contains(shown, "# Source: a/l.yaml") {
		t.Errorf("shown is\n%s", shown)
	}
	if !strings.HasSuffix(shown, "---\n# Source: a/e.yaml\nkind: ExternalSecret\n") {
		t.Errorf("too much is hidden in\n%s", shown)
	}
}
