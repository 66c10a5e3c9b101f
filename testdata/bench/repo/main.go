// Command repo measures what slipway and Helm need to read and to make chart
// repository indexes, and what slipway and ChartMuseum need to serve them. Each measurement is a process of its own; all are interleaved and
// the medians printed with their ratios. The index is generated: versions of
// the charts in a folder of packages, or of charts that are made up.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	sizes := flag.String("sizes", "10000,50000,100000", "numbers of versions; empty leaves indexes out")
	rounds := flag.Int("rounds", 3, "runs of each measurement")
	corpus := flag.String("corpus", "", "folder of packaged charts to make the index of")
	charts := flag.Int("charts", 10000, "archives of the folder that is indexed; 0 leaves that out")
	served := flag.Int("serve", 50000, "charts of the folder that is served; 0 leaves that out")
	lasting := flag.Duration("lasting", 20*time.Second, "how long uploads last")
	slipway := flag.String("slipway", "bin/slipway-cluster", "program that serves")
	museum := flag.String("chartmuseum", ".cache/peers/chartmuseum", "ChartMuseum; left out if it is not there")
	run := flag.String("run", "", "one measurement, in this process; slipway's are in the program beside this one, with the name's ending -ours")
	flag.Parse()
	switch {
	case *run == "generate":
		if err := generate(flag.Arg(0), flag.Arg(1), *corpus); err != nil {
			log.Fatal(err)
		}
		return
	case *run != "":
		if err := measurements.Run(*run, flag.Arg(0), flag.Arg(1)); err != nil {
			log.Fatal(err)
		}
		return
	}
	if *sizes != "" || *charts > 0 {
		if err := compare(*sizes, *rounds, *charts, *corpus); err != nil {
			log.Fatal(err)
		}
	}
	if *served > 0 {
		if err := serve(*served, *slipway, *museum, *lasting); err != nil {
			log.Fatal(err)
		}
	}
}

// serve measures servers on a folder of its own.
func serve(charts int, slipway, museum string, lasting time.Duration) error {
	dir, err := os.MkdirTemp("", "bench-serve")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if !isProgram(museum) {
		fmt.Printf("\nno %s: slipway alone is measured\n", museum)
		museum = ""
	}
	return compareServers(filepath.Join(dir, "charts"), charts, slipway, museum, lasting)
}

func compare(sizes string, rounds, charts int, corpus string) error {
	dir, err := os.MkdirTemp("", "bench-repo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%s/%s, %d processors, %d runs of each; CPU time (user and system) and peak memory\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds)
	for _, word := range strings.FieldsFunc(sizes, func(r rune) bool { return r == ',' }) {
		path := filepath.Join(dir, word+".yaml")
		// In a process of its own: the system counts this one's memory as that of the processes that it starts.
		generator := exec.Command(os.Args[0], "-run", "generate", "-corpus", corpus, path, word)
		generator.Stderr = os.Stderr
		name, err := generator.Output()
		if err != nil {
			return fmt.Errorf("generate: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s versions, %d MB\n", word, info.Size()>>20)
		if err := compareIndex(path, string(name), rounds); err != nil {
			return err
		}
	}
	if charts == 0 {
		return nil
	}
	folder := filepath.Join(dir, "charts")
	if _, err := measure("make archives", folder, strconv.Itoa(charts)); err != nil {
		return err
	}
	fmt.Printf("\nrepo index of %d archives\n", charts)
	return compareRows(indexRows, folder, "", max(1, rounds/2))
}

// indexRows are the measurements of generating an index, in this order.
var indexRows = []string{"nothing", "helm index", "slipway index, all new", "slipway index, one new"}

// result is what one process took.
type result struct {
	cpu, wall time.Duration
	peak      int64 // bytes
}

// rows are the measurements in the order of the table.
var rows = []string{"nothing", "helm load", "slipway load", "slipway look-up, cold", "slipway look-up, warm"}

func compareIndex(path, name string, rounds int) error { return compareRows(rows, path, name, rounds) }

// compareRows runs measurements in turn; the second one is Helm's.
func compareRows(rows []string, path, name string, rounds int) error {
	results := map[string][]result{}
	for range rounds {
		for _, row := range rows {
			if row == "slipway look-up, cold" || row == "slipway load" {
				os.Remove(path + ".slipway")
			}
			r, err := measure(row, path, name)
			if err != nil {
				return fmt.Errorf("%s: %w", row, err)
			}
			results[row] = append(results[row], r)
		}
	}
	nothing, helm := median(results["nothing"]), median(results[rows[1]])
	fmt.Printf("%-24s %12s %12s %10s %12s %12s\n", "", "CPU", "wall", "peak MB", "CPU, Helm /", "peak, / Helm")
	for _, row := range rows[1:] {
		m := median(results[row])
		cpu := max(m.cpu-nothing.cpu, 50*time.Microsecond)
		fmt.Printf("%-24s %12s %12s %10d %11.0fx %12.2f\n", row, cpu.Round(10*time.Microsecond), m.wall.Round(10*time.Microsecond),
			m.peak>>20, float64(helm.cpu-nothing.cpu)/float64(cpu), float64(m.peak)/float64(helm.peak))
	}
	return nil
}

// measure runs one measurement in a process of its own, which says what it has
// computed.
func measure(row, path, name string) (result, error) {
	cmd := exec.Command(os.Args[0], "-run", row, path, name)
	if strings.HasPrefix(row, "slipway ") {
		cmd = exec.Command(os.Args[0]+"-ours", row, path, name)
	}
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return result{}, err
	}
	wall := time.Since(start)
	cpu, err := strconv.ParseInt(string(out), 10, 64)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", row, err)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return result{cpu: time.Duration(cpu), wall: wall, peak: usage.Maxrss * 1024}, nil
}

// median takes each figure's median by itself.
func median(list []result) result {
	middle := func(key func(result) int64) int64 {
		keys := make([]int64, len(list))
		for i, r := range list {
			keys[i] = key(r)
		}
		slices.Sort(keys)
		return keys[len(keys)/2]
	}
	return result{
		cpu:  time.Duration(middle(func(r result) int64 { return int64(r.cpu) })),
		wall: time.Duration(middle(func(r result) int64 { return int64(r.wall) })),
		peak: middle(func(r result) int64 { return r.peak }),
	}
}
