package deploy_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/chart"
	"github.com/e6d26078/slipway/release/cluster/clustertest"
	"github.com/e6d26078/slipway/release/deploy"
)

// chartOf is a chart of one template.
func chartOf(text string) *chart.Chart {
	return &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: "small", Version: "1.0.0"},
		Templates: []*chart.File{{Name: "templates/all.yaml", Data: []byte(text)}},
	}
}

// TestAHookThatIsStillThere has a hook run at two events of one upgrade that
// nobody deletes in between: the second time it cannot be created. Helm says so too.
func TestAHookThatIsStillThere(t *testing.T) {
	t.Parallel()
	api := clustertest.Shared(t)
	config := configFor(t, api.RESTConfig(t), api.Namespace(t))
	c := chartOf(`
apiVersion: v1
kind: ConfigMap
metadata:
  name: twice
  annotations:
    helm.sh/hook: pre-upgrade,post-upgrade
    helm.sh/hook-delete-policy: hook-failed
`)
	if _, err := deploy.Install(background, config, "small", c, nil, deploy.InstallOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := deploy.Upgrade(background, config, "small", c, nil, deploy.UpgradeOptions{})
	var exists *deploy.ExistsError
	if !errors.As(err, &exists) || !strings.Contains(err.Error(), "post-upgrade") {
		t.Errorf("an upgrade whose post-upgrade hook cannot be created: %v", err)
	}
	path, err := chart.SaveFile(c, t.TempDir(), chart.SaveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := api.Namespace(t)
	helm := func(command string) (string, error) {
		output, err := exec.Command(peer(t, "helm3"), command, "small", path, "-n", namespace, "--kubeconfig", api.Kubeconfig()).CombinedOutput()
		return string(output), err
	}
	if output, err := helm("install"); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if output, err := helm("upgrade"); err == nil || !strings.Contains(output, "post-upgrade hooks failed") || !strings.Contains(output, "already exists") {
		t.Errorf("Helm: %v\n%s", err, output)
	}
}
