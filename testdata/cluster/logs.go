package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// logsAnnotation holds what the containers of a pod have logged.
const logsAnnotation = "slipway.dev/logs"

// serveLogs serves container logs the way a kubelet does, for the API server to pass on, and returns the port.
func serveLogs(client kubernetes.Interface, k *keys) (int32, error) {
	certificate, err := tls.LoadX509KeyPair(k.certificate, k.private)
	if err != nil {
		return 0, err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		containerLog(w, r, client)
	})
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listening on %s", listener.Addr())
	}
	return int32(address.Port), nil // a port fits
}

func containerLog(w http.ResponseWriter, r *http.Request, client kubernetes.Interface) {
	name := r.PathValue("container")
	pod, err := client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	status, ok := statusOf(pod, name)
	switch {
	case !ok:
		http.Error(w, fmt.Sprintf("container %q in pod %q is not available", name, pod.Name), http.StatusBadRequest)
		return
	case status.State.Waiting != nil && status.LastTerminationState.Terminated == nil:
		http.Error(w, fmt.Sprintf("container %q in pod %q is waiting to start: %s", name, pod.Name, status.State.Waiting.Reason),
			http.StatusBadRequest)
		return
	}
	text := logOf(pod, name, status)
	if n, err := strconv.Atoi(r.URL.Query().Get("tailLines")); err == nil && n >= 0 {
		lines := strings.SplitAfter(text, "\n")
		text = strings.Join(lines[max(0, len(lines)-1-n):], "") // the last one is empty
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text)
}

func statusOf(pod *corev1.Pod, container string) (corev1.ContainerStatus, bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for _, status := range list {
			if status.Name == container {
				return status, true
			}
		}
	}
	return corev1.ContainerStatus{}, false
}

// logOf is the annotation's text or, without one, lines that tell what the container has been through. It ends in a
// line break.
func logOf(pod *corev1.Pod, container string, status corev1.ContainerStatus) string {
	if text := pod.Annotations[logsAnnotation]; text != "" {
		return strings.TrimSuffix(text, "\n") + "\n"
	}
	text := container + " started\n"
	ended := status.State.Terminated
	if ended == nil {
		ended = status.LastTerminationState.Terminated
	}
	switch {
	case ended == nil:
	case ended.ExitCode == 0:
		text += container + " completed\n"
	default:
		text += fmt.Sprintf("%s failed with exit code %d\n", container, ended.ExitCode)
	}
	return text
}
