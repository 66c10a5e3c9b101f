package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"
)

// plane is a running control plane and the benchmark's own way to it, which
// goes past the proxy.
type plane struct {
	kubeconfig string
	server     string
	token      string
	transport  *http.Transport
	cmd        *exec.Cmd
	stdin      io.Closer
	stderr     bytes.Buffer
}

// planeGC has the control plane spend memory rather than time on garbage. It
// shares the processors with the tools, which in a real cluster it does not.
const planeGC = "400"

// startPlane runs a control plane that ends with this process.
func startPlane(program, dir string) (*plane, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	p := &plane{kubeconfig: filepath.Join(dir, "kubeconfig")}
	p.cmd = exec.Command(program, "up", "--kubeconfig", p.kubeconfig, "--dir", filepath.Join(dir, "plane"), "--until-stdin-closes")
	p.cmd.Env = append(os.Environ(), "GOGC="+planeGC)
	p.cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return nil, fmt.Errorf("start the control plane: %w\n%s", p.cmd.Wait(), p.stderr.Bytes())
	}
	return p, p.connect()
}

func (p *plane) stop() error {
	return errors.Join(p.stdin.Close(), p.cmd.Wait())
}

// kubeconfig is the part of such a file that is needed here.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `json:"server"`
			CA     string `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		Name string `json:"name"`
		User struct {
			Token string `json:"token"`
		} `json:"user"`
	} `json:"users"`
}

func (p *plane) connect() error {
	raw, err := os.ReadFile(p.kubeconfig)
	if err != nil {
		return err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(raw, &k); err != nil {
		return err
	}
	for _, u := range k.Users {
		if u.Name == "admin" {
			p.token = u.User.Token
		}
	}
	ca, err := base64.StdEncoding.DecodeString(k.Clusters[0].Cluster.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	p.server = k.Clusters[0].Cluster.Server
	p.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	return nil
}

// request asks the API server; a body is sent as JSON.
func (p *plane) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.server+path, in)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/json")
	return (&http.Client{Transport: p.transport}).Do(req)
}

// call asks the API server and decodes its answer into out, if not nil. An
// error status is an error, but for 404, which is told by found.
func (p *plane) call(method, path string, body, out any) (found bool, err error) {
	resp, err := p.request(context.Background(), method, path, body)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return false, err
	case resp.StatusCode == http.StatusNotFound:
		return false, nil
	case resp.StatusCode >= 300:
		return false, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, raw)
	case out != nil:
		err = json.Unmarshal(raw, out)
	}
	return true, err
}

type object = map[string]any

func (p *plane) createNamespace(name string) error {
	_, err := p.call("POST", "/api/v1/namespaces", object{"metadata": object{"name": name}}, nil)
	return err
}

// deleteNamespace deletes a namespace and waits until nothing of it is left.
func (p *plane) deleteNamespace(name string) error {
	path := "/api/v1/namespaces/" + name
	if _, err := p.call("DELETE", path, nil, nil); err != nil {
		return err
	}
	for range 600 {
		if found, err := p.call("GET", path, nil, nil); err != nil || !found {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Errorf("namespace %s is still there after two minutes", name)
}
