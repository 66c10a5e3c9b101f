package backend

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/release/cluster"
)

func TestReadinessOfLiveObjects(t *testing.T) {
	job := func(conditions ...any) map[string]any {
		return map[string]any{
			"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "j"}, "spec": map[string]any{},
			"status": map[string]any{"startTime": "2026-01-01T00:00:00Z", "conditions": conditions},
		}
	}
	tests := []struct {
		name string
		live map[string]any
		want string
	}{
		{"an object that is not there", nil, "missing"},
		{"a ConfigMap", map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}, "ready"},
		{"a Job that runs", job(), "in progress"},
		{"a Job that is complete", job(map[string]any{"type": "Complete", "status": "True"}), "ready"},
		{"a Job that failed", job(map[string]any{"type": "Failed", "status": "True"}), "failed"},
	}
	for _, test := range tests {
		if got, message := new(client).Readiness(test.live); got != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, got, message, test.want)
		}
	}
}

func TestTheFieldManagerIsThatOfTheCluster(t *testing.T) {
	if link.FieldManager != cluster.FieldManager {
		t.Errorf("%s and %s", link.FieldManager, cluster.FieldManager)
	}
}

func TestAPlanThatIsNotThereKeepsItsText(t *testing.T) {
	err := fmt.Errorf("read: %w", noPlanError{fmt.Errorf("secret a/b: %w", cluster.ErrNoPlan)})
	if !errors.Is(err, link.ErrNoPlan) || !errors.Is(err, cluster.ErrNoPlan) || err.Error() != "read: secret a/b: "+cluster.ErrNoPlan.Error() {
		t.Error(err)
	}
}

func TestAMissingNamespaceIsToldFromOtherMissingThings(t *testing.T) {
	missing := func(resource string) error {
		return fmt.Errorf("create: %w", apierrors.NewNotFound(schema.GroupResource{Resource: resource}, "x"))
	}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"a namespace":   {missing("namespaces"), true},
		"a Secret":      {missing("secrets"), false},
		"another error": {errors.New("x"), false},
		"no error":      {nil, false},
	} {
		if got := (Kubernetes{}).IsNamespaceMissing(test.err); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
