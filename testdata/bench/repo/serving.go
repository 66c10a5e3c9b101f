package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// serving is what was measured of one server.
type serving struct {
	first, next     time.Duration // starts: with nothing known of the charts, and the one after it
	uploads         int
	seconds         float64       // that they took
	cpu             time.Duration // of the server, an upload
	seen            time.Duration // longest from a 201 to the version in the index
	unchanged, full float64       // answers a second: 304, and whole indexes
	peak            int64         // bytes
}

// program starts a server on a folder.
type program struct {
	name string
	path string
	args func(dir string) []string
}

const (
	uploaders = 4
	// sampled is of how many uploads one is looked for in the whole index.
	sampled = 50
)

// compareServers measures slipway and, if there is one, ChartMuseum, on the same charts.
func compareServers(dir string, charts int, slipway, museum string, lasting time.Duration) error {
	// In a process of its own, as the index.
	if _, err := measure("make museum", dir, strconv.Itoa(charts)); err != nil {
		return err
	}
	fmt.Printf("\nserver with %d charts\n%-12s %12s %12s %10s %14s %14s %10s %12s %10s\n", charts,
		"", "first start", "next start", "uploads/s", "CPU/upload", "201 to index", "304/s", "index/s", "peak MB")
	programs := []program{{"slipway", slipway, func(dir string) []string {
		return []string{"serve", "--listen", "127.0.0.1:{port}", "--storage", dir}
	}}}
	if museum != "" {
		programs = append(programs, program{"ChartMuseum", museum, func(dir string) []string {
			return []string{"--port", "{port}", "--storage", "local", "--storage-local-rootdir", dir + ".other",
				"--read-timeout", "600", "--write-timeout", "600"} // its uploads take minutes here
		}})
	}
	var all []*serving
	for _, p := range programs {
		s, err := p.measure(dir, lasting)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		all = append(all, s)
		fmt.Printf("%-12s %12s %12s %10.1f %14s %14s %10.0f %12.1f %10d\n", p.name, s.first.Round(time.Millisecond), s.next.Round(time.Millisecond),
			float64(s.uploads)/s.seconds, s.cpu.Round(10*time.Microsecond), s.seen.Round(time.Millisecond), s.unchanged, s.full, s.peak>>20)
	}
	if len(all) == 2 {
		a, b := all[0], all[1]
		fmt.Printf("%-12s %11.1fx %11.1fx %9.0fx %13.0fx %14s %10s %11.1fx %9.2fx\n", "ratio", b.first.Seconds()/a.first.Seconds(), b.next.Seconds()/a.next.Seconds(),
			float64(a.uploads)/a.seconds/(float64(b.uploads)/b.seconds), b.cpu.Seconds()/a.cpu.Seconds(), "", "", a.full/b.full, float64(a.peak)/float64(b.peak))
	}
	return nil
}

// measure starts the server twice, uploads and reads.
func (p program) measure(dir string, lasting time.Duration) (*serving, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := &serving{}
	server, err := run(ctx, p.path, p.args(dir)...)
	if err != nil {
		return nil, err
	}
	s.first = server.start
	server.stop()
	if server, err = run(ctx, p.path, p.args(dir)...); err != nil {
		return nil, err
	}
	defer server.stop()
	s.next = server.start
	before, err := server.cpu()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := s.upload(ctx, server.url, lasting); err != nil {
		return nil, err
	}
	s.seconds = time.Since(begun).Seconds()
	after, err := server.cpu()
	if err != nil {
		return nil, err
	}
	s.cpu = (after - before) / time.Duration(s.uploads)
	if s.unchanged, err = perSecond(server.url, lasting/4, true); err != nil {
		return nil, err
	}
	if s.full, err = perSecond(server.url, lasting/4, false); err != nil {
		return nil, err
	}
	s.peak, err = server.peak()
	return s, err
}

// upload posts new versions for a while, and looks for them in the index: at
// once for all by the API, and for some in the whole index.
func (s *serving) upload(ctx context.Context, url string, lasting time.Duration) error {
	var next, done atomic.Int64
	var mu sync.Mutex
	var failed error
	end := time.Now().Add(lasting)
	var group sync.WaitGroup
	for range uploaders {
		group.Go(func() {
			for time.Now().Before(end) {
				n := next.Add(1)
				seen, err := uploadOne(ctx, url, n)
				mu.Lock()
				if s.seen = max(s.seen, seen); err != nil && failed == nil {
					failed = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	s.uploads = int(done.Load())
	return failed
}

// uploadOne uploads a version and gives how long it was not in the index, 0 if
// it was at once.
func uploadOne(ctx context.Context, url string, n int64) (time.Duration, error) {
	name, version := fmt.Sprintf("chart-%04d", n%97), fmt.Sprintf("2.%d.0", n)
	response, err := http.Post(url+"/api/charts", "application/gzip", bytes.NewReader(pack(name, version)))
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusCreated {
		return 0, fmt.Errorf("upload: %s: %s: %w", response.Status, text, err)
	}
	accepted := time.Now()
	address, wanted := url+"/api/charts/"+name+"/"+version, version
	if n%sampled == 1 {
		address, wanted = url+"/index.yaml", name+"-"+version+".tgz"
	}
	for attempt := 0; ; attempt++ {
		body, status, err := get(address)
		if err != nil {
			return 0, err
		}
		if status == http.StatusOK && bytes.Contains(body, []byte(wanted)) {
			if attempt == 0 {
				return 0, nil
			}
			return time.Since(accepted), nil
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("%s has no %s: %w", address, wanted, context.Cause(ctx))
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func get(address string) ([]byte, int, error) {
	response, err := http.Get(address)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return body, response.StatusCode, err
}

// perSecond asks for the index as often as it can: by condition, if it has a
// mark and that is asked for, or as a whole.
func perSecond(url string, lasting time.Duration, conditional bool) (float64, error) {
	response, err := http.Head(url + "/index.yaml")
	if err != nil {
		return 0, err
	}
	response.Body.Close()
	mark := response.Header.Get("ETag")
	if conditional && mark == "" {
		return 0, nil // there is no such answer
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}}
	var count atomic.Int64
	var broken atomic.Pointer[error]
	begun := time.Now()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for time.Since(begun) < lasting {
				if err := ask(client, url, mark, conditional); err != nil {
					broken.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	group.Wait()
	if err := broken.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / time.Since(begun).Seconds(), nil
}

func ask(client *http.Client, url, mark string, conditional bool) error {
	request, err := http.NewRequest(http.MethodGet, url+"/index.yaml", nil)
	if err != nil {
		return err
	}
	wanted := http.StatusOK
	if conditional {
		request.Header.Set("If-None-Match", mark)
		wanted = http.StatusNotModified
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != wanted {
		return fmt.Errorf("%s, want %d", response.Status, wanted)
	}
	return nil
}

// isProgram reports whether there is a file at path.
func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
