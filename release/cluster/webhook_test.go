package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/e6d26078/slipway/release/deploy"
)

func TestAWebhookThatIsDownMakesAnApplyRetryable(t *testing.T) {
	f := newFixture(t)
	f.admission(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: %[1]s}
webhooks:
- name: down.example.com
  clientConfig: {url: "https://127.0.0.1:1/"}
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 1
  admissionReviewVersions: [v1]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: ['*'], resources: [configmaps]}]
`)
	var retryable *RetryableError
	if err := f.refusal(fmt.Sprintf(settings, "1")); !errors.As(err, &retryable) || retryable.Resource != "configmaps" {
		t.Errorf("error %T %v", err, err)
	}
}

func TestAPolicyOfTheClusterRejectsAnObject(t *testing.T) {
	f := newFixture(t)
	f.admission(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[1]s}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  validations: [{expression: "false", message: not here, reason: Forbidden}]
`, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`)
	var rejected *deploy.RejectedError
	if err := f.refusal(fmt.Sprintf(settings, "1")); !errors.As(err, &rejected) || rejected.Reason != "Forbidden" {
		t.Errorf("error %T %v", err, err)
	}
}

// admission applies objects that decide about the fixture's namespace, and
// deletes them at the end of the test.
func (f *fixture) admission(documents ...string) {
	f.t.Helper()
	for _, document := range documents {
		document = fmt.Sprintf(document, f.namespace)
		f.apply(document)
		ref := f.object(document).Ref
		f.t.Cleanup(func() {
			if err := f.Delete(context.Background(), ref, deploy.DeleteOptions{}); err != nil {
				f.t.Error(err)
			}
		})
	}
}

// refusal applies an object until it is not accepted any more, as the API
// server takes its time to heed what was said about admission.
func (f *fixture) refusal(document string) error {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	o := f.object(document)
	for {
		_, err := f.Apply(ctx, o, deploy.ApplyOptions{DryRun: true})
		if err != nil {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			f.t.Fatal("it is accepted still")
		}
	}
}
