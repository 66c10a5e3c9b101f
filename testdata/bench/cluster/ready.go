package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// readiness watches the Deployments and EndpointSlices of a namespace and knows
// since when the cluster has been ready: all rollouts of the wanted revision
// complete and an endpoint ready behind each Service.
type readiness struct {
	want int // how many there are of both

	mu       sync.Mutex
	revision string
	rolled   map[string]rollout
	slices   map[string]slice
	since    time.Time // zero while it is not ready
	err      error
}

type rollout struct {
	revision string
	complete bool
}

type slice struct {
	service string
	ready   bool
}

// watchReadiness follows a namespace until the context ends.
func (p *plane) watchReadiness(ctx context.Context, namespace string, want int) *readiness {
	r := &readiness{want: want, rolled: map[string]rollout{}, slices: map[string]slice{}}
	go r.follow(ctx, p, "/apis/apps/v1/namespaces/"+namespace+"/deployments?watch=1", r.deployment)
	go r.follow(ctx, p, "/apis/discovery.k8s.io/v1/namespaces/"+namespace+"/endpointslices?watch=1", r.endpointSlice)
	return r
}

// awaitReadiness returns when a namespace is ready.
func (p *plane) awaitReadiness(namespace string, want int, revision string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := p.watchReadiness(ctx, namespace, want)
	r.expect(revision)
	_, err := r.await()
	return err
}

// follow watches until the context ends; when the API server ends the watch,
// which it may do at any time, it starts over.
func (r *readiness) follow(ctx context.Context, p *plane, path string, take func(deleted bool, raw json.RawMessage) error) {
	for ctx.Err() == nil {
		err := r.watch(ctx, p, path, take)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			continue
		}
		r.mu.Lock()
		r.err = fmt.Errorf("watch %s: %w", path, err)
		r.mu.Unlock()
		return
	}
}

func (r *readiness) watch(ctx context.Context, p *plane, path string, take func(deleted bool, raw json.RawMessage) error) error {
	resp, err := p.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return err
		}
		at := time.Now()
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return err
		}
		r.mu.Lock()
		err = take(event.Type == "DELETED", event.Object)
		r.judge(at)
		r.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

func (r *readiness) deployment(deleted bool, raw json.RawMessage) error {
	var d struct {
		Metadata struct {
			Name       string
			Generation int
		}
		Spec struct {
			Replicas int
			Template struct {
				Metadata struct{ Annotations map[string]string }
			}
		}
		Status struct{ ObservedGeneration, Replicas, UpdatedReplicas, AvailableReplicas int }
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	if deleted {
		delete(r.rolled, d.Metadata.Name)
		return nil
	}
	s := d.Status
	r.rolled[d.Metadata.Name] = rollout{
		revision: d.Spec.Template.Metadata.Annotations["revision"],
		complete: s.ObservedGeneration == d.Metadata.Generation && s.Replicas == d.Spec.Replicas &&
			s.UpdatedReplicas == d.Spec.Replicas && s.AvailableReplicas == d.Spec.Replicas,
	}
	return nil
}

func (r *readiness) endpointSlice(deleted bool, raw json.RawMessage) error {
	var e struct {
		Metadata struct {
			Name   string
			Labels map[string]string
		}
		Endpoints []struct {
			Conditions struct{ Ready *bool }
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	if deleted {
		delete(r.slices, e.Metadata.Name)
		return nil
	}
	s := slice{service: e.Metadata.Labels["kubernetes.io/service-name"]}
	for _, endpoint := range e.Endpoints {
		s.ready = s.ready || endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready
	}
	r.slices[e.Metadata.Name] = s
	return nil
}

// judge is called with the lock held.
func (r *readiness) judge(at time.Time) {
	rolled := 0
	for _, d := range r.rolled {
		if d.complete && d.revision == r.revision {
			rolled++
		}
	}
	serving := map[string]bool{}
	for _, s := range r.slices {
		if s.ready {
			serving[s.service] = true
		}
	}
	switch {
	case rolled < r.want || len(serving) < r.want:
		r.since = time.Time{}
	case r.since.IsZero():
		r.since = at
	}
}

// expect sets the revision that is waited for.
func (r *readiness) expect(revision string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revision = revision
	r.judge(time.Now())
}

// await returns since when the cluster has been ready.
func (r *readiness) await() (time.Time, error) {
	for range 6000 {
		r.mu.Lock()
		since, err := r.since, r.err
		r.mu.Unlock()
		if err != nil || !since.IsZero() {
			return since, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Time{}, errors.New("the cluster does not become ready")
}
