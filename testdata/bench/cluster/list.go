package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"text/tabwriter"

	"github.com/e6d26078/slipway/testdata/bench/stat"
)

// listTarget is how many times faster than helm v3 the list has to be.
const listTarget = 10

// benchList lists many releases that Helm wrote, and then as many of slipway's:
// of a corpus' chart of middle size, of one of 400 objects, and of one of four
// objects. The last has no target: its records are as small as they get, smaller
// than those of what `helm create` makes, and what is left is the start of a
// process and the answer of the API server.
func benchList(o options, c charts, dir string) error {
	r := &runner{options: o, set: set{name: "list"}, charts: c, dir: dir}
	var err error
	if r.plane, err = startPlane(o.plane, dir); err != nil {
		return err
	}
	defer r.plane.stop()
	fmt.Printf("## list of %d releases\n\n", o.releases)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "written by\tchart\tlisted by\ts\tMiB\tratio\t95 %\ttarget\t\t\n")
	for _, writer := range o.tools {
		if writer.name == helm4 {
			continue
		}
		for _, chart := range c.listed() {
			if err := r.listOf(w, writer, chart); err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// listOf measures the list of the copies of a release that a tool installed.
func (r *runner) listOf(w io.Writer, writer tool, chart listedChart) error {
	r.samples = nil
	namespace := writer.name + "-" + chart.name
	if err := r.plane.createNamespace(namespace); err != nil {
		return err
	}
	if _, err := r.measure(writer, "install", "first", chart.path, "-n", namespace); err != nil {
		return err
	}
	if err := r.plane.multiply(namespace, "first", r.releases); err != nil {
		return err
	}
	for round := range r.rounds {
		for i := range r.tools {
			t := r.tools[(i+round)%len(r.tools)]
			s, err := r.measure(t, "list", "-n", namespace, "-m", "2000")
			if err != nil {
				return err
			}
			s.step, s.round = "list", round
			r.samples = append(r.samples, s)
		}
	}
	seconds := func(tool string) map[int]float64 {
		return r.values(tool, "list", func(s sample) float64 { return s.seconds })
	}
	for _, t := range r.tools {
		mib := medianOf(r.values(t.name, "list", func(s sample) float64 { return s.mib }))
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%.0f\t", writer.name, chart.name, t.name, medianOf(seconds(t.name)), mib)
		if t.name != helm3 {
			ratio := ratios(seconds(helm3), seconds(t.name))
			low, high := stat.Interval(ratio)
			fmt.Fprintf(w, "%.1f\t%.1f-%.1f\t", stat.Median(ratio), low, high)
			if t.name == ours && chart.target {
				fmt.Fprintf(w, "%d\t%s\t", listTarget, verdict(stat.Median(ratio) >= listTarget))
			}
		}
		fmt.Fprintln(w)
	}
	return r.plane.deleteNamespace(namespace)
}

// secret is what is copied of a release's Secret.
type secret struct {
	Metadata struct {
		Name        string            `json:"name"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations,omitempty"`
	} `json:"metadata"`
	Type string            `json:"type"`
	Data map[string]string `json:"data"`
}

// multiply stores the first revision of a release under other names, so that
// there are n releases.
func (p *plane) multiply(namespace, name string, n int) error {
	path := "/api/v1/namespaces/" + namespace + "/secrets"
	var s secret
	if _, err := p.call("GET", path+"/sh.helm.release.v1."+name+".v1", nil, &s); err != nil {
		return err
	}
	record, err := decodeRecord(s.Data["release"])
	if err != nil {
		return err
	}
	for i := 1; i < n; i++ {
		another := s
		other := fmt.Sprintf("%s-%04d", name, i)
		another.Metadata.Name = "sh.helm.release.v1." + other + ".v1"
		another.Metadata.Labels = maps.Clone(s.Metadata.Labels)
		another.Metadata.Labels["name"] = other
		record["name"], _ = json.Marshal(other)
		data, err := encodeRecord(record)
		if err != nil {
			return err
		}
		another.Data = map[string]string{"release": data}
		if _, err := p.call("POST", path, another, nil); err != nil {
			return err
		}
	}
	return nil
}

// A record is JSON, gzip and base64, and the API adds base64 of its own.
func decodeRecord(data string) (map[string]json.RawMessage, error) {
	raw := []byte(data)
	for range 2 {
		plain, err := base64.StdEncoding.DecodeString(string(raw))
		if err != nil {
			return nil, err
		}
		raw = plain
	}
	zr, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if raw, err = io.ReadAll(zr); err != nil {
		return nil, err
	}
	record := map[string]json.RawMessage{}
	return record, json.Unmarshal(raw, &record)
}

func encodeRecord(record map[string]json.RawMessage) (string, error) {
	raw, err := json.Marshal(record)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := zw.Write(raw); err != nil {
		return "", err
	}
	if err := zw.Close(); err != nil {
		return "", err
	}
	data := b.Bytes()
	for range 2 {
		data = []byte(base64.StdEncoding.EncodeToString(data))
	}
	return string(data), nil
}
