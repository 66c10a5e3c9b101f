package cluster

import (
	"context"
	"fmt"
	"strconv"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6d26078/slipway/release/deploy"
)

// component is who Events are from.
const component = "slipway"

// longestMessage is the most that the API server takes of an Event's message.
const longestMessage = 1024

// Event notes something about a release as an Event on the Secret that holds
// the revision's record, in the release's namespace. Who asked for it and why
// are annotations. An Event that cannot be written is dropped.
func (c *Client) Event(ctx context.Context, e deploy.Event) {
	kind := corev1.EventTypeNormal
	if e.Warning {
		kind = corev1.EventTypeWarning
	}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: e.Release + ".", Namespace: e.Namespace, Annotations: eventAnnotations(e),
			Labels: map[string]string{"app.kubernetes.io/managed-by": component},
		},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Secret", Namespace: e.Namespace,
			Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", e.Release, e.Revision),
		},
		Type: kind, Reason: e.Reason, Message: clip(e.Message), Count: 1,
		Source: corev1.EventSource{Component: component},
	}
	if c.options.Now != nil {
		now := metav1.NewTime(c.options.Now())
		event.FirstTimestamp, event.LastTimestamp = now, now
	}
	// Best effort: an operation does not fail because nobody may be told of it.
	_, _ = c.kubernetes.CoreV1().Events(e.Namespace).Create(ctx, event, metav1.CreateOptions{FieldManager: component})
}

// clip cuts a message to what the API server takes.
func clip(message string) string {
	if len(message) <= longestMessage {
		return message
	}
	end := longestMessage
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end]
}

func eventAnnotations(e deploy.Event) map[string]string {
	annotations := map[string]string{
		"slipway.dev/release":  e.Release,
		"slipway.dev/revision": strconv.Itoa(e.Revision),
	}
	if e.Operation == nil {
		return annotations
	}
	for key, value := range map[string]string{
		"operation": e.Operation.ID,
		"actor":     e.Operation.Actor,
		"build-url": e.Operation.BuildURL,
		"commit":    e.Operation.Commit,
		"reason":    e.Operation.Reason,
		"approver":  e.Operation.Approver,
	} {
		if value != "" {
			annotations["slipway.dev/"+key] = value
		}
	}
	return annotations
}
