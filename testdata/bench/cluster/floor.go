package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/e6d26078/slipway/testdata/bench/stat"
)

// atOnce is how many requests the floor has under way.
const atOnce = 16

// way is how the floor sends an object. Nothing that changes objects is done
// faster than that by anybody: no rendering, no reading, no record.
type way struct {
	name, method, kind string
	query              string
	noun               bool // the path ends with the object's name
}

const fieldManager = "fieldManager=helm"

var ways = []way{
	{name: "server-side apply", method: http.MethodPatch, kind: "application/apply-patch+yaml", query: fieldManager + "&force=true", noun: true},
	{name: "create", method: http.MethodPost, kind: "application/json", query: fieldManager},
}

// benchFloor measures how long the API server itself takes for the objects of
// the large chart, without any latency, so that figures of tools can be held
// against what a tool could reach at best.
func benchFloor(o options, c charts, dir string) error {
	p, err := startPlane(o.plane, dir)
	if err != nil {
		return err
	}
	defer p.stop()
	seconds := map[string][]float64{}
	for round := range o.rounds {
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			if err := p.floor(o.tools[0].path, c.large, fmt.Sprintf("floor-%d-%d", round, i), w, seconds); err != nil {
				return err
			}
		}
	}
	fmt.Printf("## floor: bare requests for %d objects, %d at once, nothing held up\n\n", configMaps+2*deployments, atOnce)
	out := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "by\tinstall s\tupgrade s\tno-op upgrade s\t\n")
	for _, w := range ways {
		fmt.Fprintf(out, "%s\t", w.name)
		for _, step := range steps {
			if v := seconds[w.name+step]; len(v) > 0 {
				fmt.Fprintf(out, "%.3f", stat.Median(v))
			}
			fmt.Fprint(out, "\t")
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// floor sends the objects in the steps that tools are measured in. Objects can
// be created only once.
func (p *plane) floor(slipway, chart, namespace string, w way, seconds map[string][]float64) error {
	if err := p.createNamespace(namespace); err != nil {
		return err
	}
	for i, step := range steps {
		if i > 0 && w.method == http.MethodPost {
			break
		}
		objects, err := rendered(slipway, chart, namespace, strconv.Itoa(min(i+1, 2)))
		if err != nil {
			return err
		}
		begin := time.Now()
		if err := p.sendAll(objects, namespace, w); err != nil {
			return err
		}
		took := time.Since(begin).Seconds()
		seconds[w.name+step] = append(seconds[w.name+step], took)
		fmt.Fprintf(os.Stderr, "floor, %s, %s: %.3f s\n", w.name, step, took)
		time.Sleep(rest)
	}
	return p.deleteNamespace(namespace)
}

// rendered gives the objects of a chart as JSON.
func rendered(slipway, chart, namespace, revision string) ([][]byte, error) {
	text, err := exec.Command(slipway, "template", "bench", chart, "-n", namespace, "--set", "revision="+revision).Output()
	if err != nil {
		return nil, err
	}
	var objects [][]byte
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		data, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, err
		}
		if string(data) != "null" {
			objects = append(objects, data)
		}
	}
	if want := configMaps + 2*deployments; len(objects) != want {
		return nil, fmt.Errorf("%d objects, want %d", len(objects), want)
	}
	return objects, nil
}

func (p *plane) sendAll(objects [][]byte, namespace string, w way) error {
	work := make(chan []byte)
	errs := make([]error, atOnce)
	var group sync.WaitGroup
	for i := range atOnce {
		group.Go(func() {
			for data := range work {
				if err := p.send(data, namespace, w); err != nil {
					errs[i] = err
				}
			}
		})
	}
	for _, data := range objects {
		work <- data
	}
	close(work)
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// prefixes are where the kinds of the chart are served.
var prefixes = map[string][2]string{
	"ConfigMap":  {"/api/v1", "configmaps"},
	"Service":    {"/api/v1", "services"},
	"Deployment": {"/apis/apps/v1", "deployments"},
}

func (p *plane) send(data []byte, namespace string, w way) error {
	var head struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	path := prefixes[head.Kind][0] + "/namespaces/" + namespace + "/" + prefixes[head.Kind][1]
	if w.noun {
		path += "/" + head.Metadata.Name
	}
	req, err := http.NewRequestWithContext(context.Background(), w.method, p.server+path+"?"+w.query, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", w.kind)
	resp, err := (&http.Client{Transport: p.transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", w.method, path, resp.Status, answer)
	}
	return err
}
