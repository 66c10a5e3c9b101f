//go:build unix

package sqlstore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	helm "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/e6d26078/slipway/release"
	"github.com/e6d26078/slipway/release/internal/storetest"
	"github.com/e6d26078/slipway/release/sqlstore"
)

// startPostgres runs a server of its own on a socket in a temporary directory
// and returns the connection string.
func startPostgres(t *testing.T) string {
	t.Helper()
	bin := postgresBinaries()
	if bin == "" {
		t.Skip("PostgreSQL is not installed: neither initdb in PATH nor /usr/lib/postgresql/*/bin")
	}
	dir, err := os.MkdirTemp("", "pg") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // which PostgreSQL refuses to run as
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr = dir, attr
		return c
	}
	if out, err := command("initdb", "-D", data, "-U", "test", "-A", "trust", "-N").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	log := filepath.Join(dir, "log")
	options := fmt.Sprintf("-c listen_addresses= -c fsync=off -k %s", dir)
	if err := command("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start").Run(); err != nil {
		text, _ := os.ReadFile(log)
		t.Fatalf("pg_ctl start: %v\n%s", err, text)
	}
	t.Cleanup(func() {
		if err := command("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop").Run(); err != nil {
			t.Errorf("pg_ctl stop: %v", err)
		}
	})
	return fmt.Sprintf("host=%s user=test dbname=postgres sslmode=disable", dir)
}

func postgresBinaries() string {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

func open(t *testing.T, connection string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), connection, "default", storetest.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	connection := startPostgres(t)
	t.Run("several first uses at once create the tables", func(t *testing.T) {
		errs := make(chan error)
		for range 4 {
			go func() {
				s, err := sqlstore.Open(context.WithoutCancel(t.Context()), connection, "default", storetest.Now)
				if err == nil {
					err = s.Close()
				}
				errs <- err
			}()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
	storetest.Run(t, "default", func(t *testing.T) storetest.Store { return open(t, connection) })
	t.Run("Helm reads our records", func(t *testing.T) { helmReads(t, connection) })
	t.Run("Helm's records are read, and its update is a conflict", func(t *testing.T) { readsHelms(t, connection) })
	t.Run("a record that Helm deletes and creates anew is not ours", func(t *testing.T) { helmReplaces(t, connection) })
}

func helmReads(t *testing.T, connection string) {
	s, oracle := open(t, connection), helmDriver(t, connection)
	for version, status := range statuses {
		r := storetest.Record("default", "ours", version+1, status)
		if err := s.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got, err := oracle.Get(release.Key("ours", version+1))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Release, got, compareTimes); diff != "" {
			t.Errorf("%s (-ours +what Helm reads):\n%s", status, diff)
		}
	}
	found, err := oracle.Query(map[string]string{"name": "ours", "owner": "helm", "status": "deployed"})
	if err != nil || len(found) != 1 {
		t.Fatalf("Helm finds %d deployed revisions, %v", len(found), err)
	}
}

func readsHelms(t *testing.T, connection string) {
	s, oracle := open(t, connection), helmDriver(t, connection)
	want := storetest.Record("default", "theirs", 1, release.StatusPendingInstall)
	if err := oracle.Create(release.Key("theirs", 1), want.Release); err != nil {
		t.Fatal(err)
	}
	list, err := s.History(t.Context(), "theirs")
	if err != nil || len(list) != 1 || list[0].Status != release.StatusPendingInstall || list[0].Operation != nil || list[0].CreatedAt.IsZero() {
		t.Fatalf("got %+v, %v", list, err)
	}
	r, err := s.Get(t.Context(), "theirs", 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Release, r.Release, compareTimes); diff != "" {
		t.Errorf("(-Helm's +ours):\n%s", diff)
	}
	want.Info.Status = release.StatusDeployed
	if err := oracle.Update(release.Key("theirs", 1), want.Release); err != nil {
		t.Fatal(err)
	}
	r.Info.Status = release.StatusFailed
	storetest.WantError(t, s.Update(t.Context(), r), release.ErrConflict)
}

func helmReplaces(t *testing.T, connection string) {
	s, oracle := open(t, connection), helmDriver(t, connection)
	r := storetest.Record("default", "both", 1, release.StatusDeployed)
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := oracle.Update(release.Key("both", 1), r.Release); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "both", 1); err != nil || got.Operation == nil {
		t.Fatalf("after Helm's update it is ours no more: %v", err)
	}
	if _, err := oracle.Delete(release.Key("both", 1)); err != nil {
		t.Fatal(err)
	}
	if err := oracle.Create(release.Key("both", 1), r.Release); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), "both", 1); err != nil || got.Operation != nil {
		t.Fatalf("Helm's record passes for ours: %+v, %v", got.Operation, err)
	}
}

// statuses are all that a record can have.
var statuses = []release.Status{
	release.StatusSuperseded, release.StatusDeployed, release.StatusFailed, release.StatusUninstalled, release.StatusUninstalling,
	release.StatusPendingInstall, release.StatusPendingUpgrade, release.StatusPendingRollback, release.StatusUnknown,
}

// compareTimes leaves out how a time zone is held and a chart's unexported fields.
var compareTimes = cmp.Comparer(func(a, b *helm.Release) bool {
	x, errA := (&release.Record{Release: a}).JSON()
	y, errB := (&release.Record{Release: b}).JSON()
	return errA == nil && errB == nil && bytes.Equal(x, y) && cmp.Equal(a.Labels, b.Labels)
})

func helmDriver(t *testing.T, connection string) *driver.SQL {
	t.Helper()
	d, err := driver.NewSQL(connection, func(string, ...any) {}, "default")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOpenHidesTheConnectionString(t *testing.T) {
	for _, connection := range []string{
		"postgres://user:hunter2@host:port/db",
		"postgres://user:hunter2/x@host/db",
		"host=nowhere password='hunter2",
		"password hunter2",
		"host=/nonexistent user=u password=hunter2 sslmode=disable",
	} {
		s, err := sqlstore.Open(t.Context(), connection, "default", storetest.Now)
		if err == nil {
			t.Errorf("%q: no error, %v", connection, s.Close())
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", connection, err)
		}
	}
}
