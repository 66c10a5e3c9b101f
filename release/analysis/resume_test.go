package analysis

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
	"github.com/e6d26078/slipway/release/rollout"
)

// stored is what a driver finds and leaves in a file.
type stored struct {
	Metric  rollout.Metric
	Subject struct{ Canary []deploy.Live }
	Run     rollout.Run
}

func load(file string) (s stored, err error) {
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	return s, err
}

func (s stored) save(file string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// drive is a process that measures from where the file says until the run is
// over. It writes a line when a measurement is stored.
func drive(file string) error {
	for {
		s, err := load(file)
		if err != nil {
			return err
		}
		var due time.Time
		s.Run, due = rollout.Judge(s.Metric, s.Run, time.Now(), time.Hour)
		if s.Run.Verdict != rollout.NotYet {
			return s.save(file)
		}
		time.Sleep(time.Until(due))
		s.Run.Measurements = append(s.Run.Measurements, sampler().Sample(context.Background(), s.Metric, deploy.Subject{Canary: s.Subject.Canary}))
		if err := s.save(file); err != nil {
			return err
		}
		fmt.Println("stored")
	}
}

// driver starts such a process.
func driver(t *testing.T, file string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "SLIPWAY_TEST_DRIVER="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// TestKilledAndResumed kills the process that measures, between two
// measurements and in the middle of one. The next process goes on: all
// measurements are there, each was asked for once after the kill, and none is
// earlier than its interval.
func TestKilledAndResumed(t *testing.T) {
	p := startPrometheus(t)
	p.set("web-1", 0.01)
	at, err := url.Parse(p.address)
	if err != nil {
		t.Fatal(err)
	}
	for name, inQuery := range map[string]bool{"in an interval": false, "in a measurement": true} {
		t.Run(name, func(t *testing.T) {
			var asked, held atomic.Int32
			arrived := make(chan struct{})
			forward := httputil.NewSingleHostReverseProxy(at)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if inQuery && asked.Load() == 2 && held.CompareAndSwap(0, 1) {
					_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client goes
					close(arrived)
					<-r.Context().Done() // until it is killed
					return
				}
				asked.Add(1)
				forward.ServeHTTP(w, r)
			}))
			defer proxy.Close()
			m := asks(p.address, errorShare, "result < 0.05")
			subject := deploy.Subject{Canary: pods("web-1")}
			untilThere(t, m, subject)
			m.Provider.Prometheus.Address, m.Interval, m.Count = proxy.URL, time.Second, 4
			s := stored{Metric: m, Run: rollout.Run{Metric: "m", StartedAt: time.Now()}}
			s.Subject.Canary = subject.Canary
			file := filepath.Join(t.TempDir(), "run.json")
			if err := s.save(file); err != nil {
				t.Fatal(err)
			}

			first, lines := driver(t, file)
			for range 2 {
				if !lines.Scan() {
					t.Fatal("the first process ended by itself")
				}
			}
			if inQuery {
				<-arrived
			}
			_ = first.Process.Kill()
			_ = first.Wait()
			before, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			askedBefore := int(asked.Load())

			second, lines := driver(t, file)
			for lines.Scan() {
			}
			if err := second.Wait(); err != nil {
				t.Fatal(err)
			}
			after, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			had, has := before.Run.Measurements, after.Run.Measurements
			if after.Run.Verdict != rollout.Successful || len(has) != 4 || len(had) < 2 || !reflect.DeepEqual(has[:len(had)], had) {
				t.Errorf("before the kill: %+v, at the end: %+v", before.Run, after.Run)
			}
			if n := int(asked.Load()) - askedBefore; n != 4-len(had) {
				t.Errorf("the second process asked %d times for %d measurements", n, 4-len(had))
			}
			for i := 1; i < len(has); i++ {
				if has[i].At.Sub(has[i-1].At) < m.Interval {
					t.Errorf("measurement %d is earlier than its interval: %v after %v", i, has[i].At, has[i-1].At)
				}
			}
		})
	}
}
