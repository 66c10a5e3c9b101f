package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// versionsEach is how many versions a chart of the served folder has.
const versionsEach = 50

// pack makes a small packaged chart.
func pack(name, version string) []byte {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for _, f := range [][2]string{
		{"Chart.yaml", fmt.Sprintf("apiVersion: v2\nappVersion: 1.16.0\ndescription: A chart that is served\nname: %s\ntype: application\nversion: %s\n"+
			"home: https://example.com/%s\nkeywords:\n- served\n- measured\nmaintainers:\n- email: somebody@example.com\n  name: Somebody\n", name, version, name)},
		{"values.yaml", "replicas: 1\nimage: example.com/web:1.2.3\n"},
		{"templates/web.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n"},
	} {
		_ = files.WriteHeader(&tar.Header{Name: name + "/" + f[0], Mode: 0o644, Size: int64(len(f[1]))}) // into memory
		_, _ = io.WriteString(files, f[1])
	}
	_ = files.Close()
	_ = zipped.Close()
	return out.Bytes()
}

// makeMuseum writes archives into the folder dir, and links to them into dir.other.
func makeMuseum(dir, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for _, folder := range []string{dir, dir + ".other"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for i := range n {
		name, version := fmt.Sprintf("chart-%04d", i/versionsEach), fmt.Sprintf("1.%d.0", i%versionsEach)
		file := name + "-" + version + ".tgz"
		if err := os.WriteFile(filepath.Join(dir, file), pack(name, version), 0o644); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(dir, file), filepath.Join(dir+".other", file)); err != nil {
			return err
		}
	}
	return nil
}

// running is a server in a process of its own.
type running struct {
	cmd   *exec.Cmd
	url   string
	start time.Duration // until it has answered with an index
}

// run starts a server; arguments has {port} in the place of a free port.
func run(ctx context.Context, program string, arguments ...string) (*running, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		return nil, err
	}
	for i := range arguments {
		arguments[i] = strings.ReplaceAll(arguments[i], "{port}", port)
	}
	r := &running{cmd: exec.CommandContext(ctx, program, arguments...), url: "http://127.0.0.1:" + port}
	begun := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		if _, status, err := get(r.url + "/index.yaml"); err == nil && status == http.StatusOK {
			r.start = time.Since(begun)
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s does not answer: %w", program, context.Cause(ctx))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// stop ends the server.
func (r *running) stop() {
	_ = r.cmd.Process.Signal(os.Interrupt)
	done := make(chan struct{})
	go func() { _ = r.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		_ = r.cmd.Process.Kill()
		<-done
	}
}

// cpu is the time that the server has computed, user and system.
func (r *running) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat is %q", text)
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil // USER_HZ is 100
}

// peak is the most memory that the server has had, in bytes.
func (r *running) peak() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(rest, "kB")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10, err
}
