package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/manifest"
)

// Limits of what is read of logs.
const (
	logLines  = 200       // of each container
	logBytes  = 128 << 10 // of each container
	logPods   = 10        // of a Job
	lineRunes = 1000
	logTime   = 3 * time.Second // for each container of a failed wait
)

// Logs are the logs of a Job's or Pod's containers, the last 200 lines of each,
// those of init containers first. If there are several containers, a line before
// each names it. Values of the Secrets that a pod uses are masked, and a log is
// left out if one of them must not be read. Other kinds have no logs.
//
// Logs are read as far as they can be: it is an error only if none can.
func (c *Client) Logs(ctx context.Context, o manifest.Object) (string, error) {
	pods, err := c.podsOf(ctx, o)
	if err != nil {
		return "", err
	}
	d := &detailer{client: c}
	d.hide([]manifest.Object{o})
	var parts []string
	var failures []error
	for _, pod := range pods {
		for _, s := range containerStatuses(&pod) {
			if !hasRun(s) {
				continue
			}
			lines, err := d.log(ctx, &pod, logRequest{container: s.Name, lines: logLines})
			if err != nil {
				failures = append(failures, err)
				continue
			}
			parts = append(parts, "==> pod "+pod.Name+", container "+s.Name+" <==\n"+strings.Join(lines, "\n")+"\n")
		}
	}
	if len(parts) == 0 {
		return "", errors.Join(failures...)
	}
	if len(parts) == 1 {
		_, body, _ := strings.Cut(parts[0], "\n")
		return body, nil
	}
	return strings.Join(parts, ""), nil
}

// podsOf are the pods of a Job, oldest first, or a Pod itself.
func (c *Client) podsOf(ctx context.Context, o manifest.Object) ([]corev1.Pod, error) {
	options := metav1.ListOptions{Limit: logPods}
	switch keyOf(o.Ref) {
	case podKind:
		options.FieldSelector = nameSelector([]string{o.Name})
	case jobKind:
		options.LabelSelector = "job-name=" + o.Name
	default:
		return nil, nil
	}
	list, err := c.kubernetes.CoreV1().Pods(o.Namespace).List(ctx, options)
	if err != nil {
		return nil, explain(err, "list", "pods", "", o.Namespace, "")
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return list.Items, nil
}

// hasRun says that a container has a log.
func hasRun(s corev1.ContainerStatus) bool {
	return s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil
}

// logRequest says which log is read.
type logRequest struct {
	container string
	previous  bool // of the run before the last restart
	lines     int64
}

// log reads the last lines of a container's log, masked and fit for a terminal.
func (d *detailer) log(ctx context.Context, pod *corev1.Pod, r logRequest) ([]string, error) {
	if err := d.hideSecretsOf(ctx, pod); err != nil {
		return nil, fmt.Errorf("the log of container %s in pod %s is left out: %w", r.container, pod.Name, err)
	}
	limit := int64(logBytes)
	body, err := d.client.kubernetes.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
		Container: r.container, Previous: r.previous, TailLines: &r.lines, LimitBytes: &limit,
	}).Stream(ctx)
	if err != nil {
		return nil, explain(err, "get", "pods/log", "", pod.Namespace, pod.Name)
	}
	defer func() { _ = body.Close() }() // what has been read is what counts
	data, err := io.ReadAll(io.LimitReader(body, limit))
	if err != nil && len(data) == 0 {
		return nil, fmt.Errorf("read the log of container %s in pod %s: %w", r.container, pod.Name, err)
	}
	content := strings.TrimRight(string(data), "\n")
	if content == "" {
		return nil, nil
	}
	lines := strings.Split(d.mask(content), "\n")
	if len(lines) > int(r.lines) {
		lines = lines[len(lines)-int(r.lines):]
	}
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return lines, nil
}

// printable is a line without what a terminal would take for a command, cut to
// a length that can be read.
func printable(line string) string {
	line = strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		if r == utf8.RuneError || unicode.IsControl(r) {
			return -1
		}
		return r
	}, line)
	if utf8.RuneCountInString(line) <= lineRunes {
		return line
	}
	return string([]rune(line)[:lineRunes]) + "..."
}
