package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImmutableNamesTheFieldsThatTheServerWouldRefuse(t *testing.T) {
	head := func(version, kind string) string {
		return "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: a}\n"
	}
	for name, test := range map[string]struct {
		head, live, wanted string
		want               []string
	}{
		"selector of a Deployment":             {head("apps/v1", "Deployment"), "spec: {selector: {matchLabels: {a: b}}}", "spec: {selector: {matchLabels: {a: c}}}", []string{"spec.selector"}},
		"label less in a selector":             {head("apps/v1", "Deployment"), "spec: {selector: {matchLabels: {a: b, c: d}}}", "spec: {selector: {matchLabels: {a: b}}}", []string{"spec.selector"}},
		"same selector":                        {head("apps/v1", "Deployment"), "spec: {replicas: 1, selector: {matchLabels: {a: b}}}", "spec: {replicas: 2, selector: {matchLabels: {a: b}, matchExpressions: []}}", nil},
		"selector of a DaemonSet":              {head("apps/v1", "DaemonSet"), "spec: {selector: {matchLabels: {a: b}}}", "spec: {selector: {matchLabels: {a: c}}}", []string{"spec.selector"}},
		"selector of a custom Deployment":      {head("example.com/v1", "Deployment"), "spec: {selector: {matchLabels: {a: b}}}", "spec: {selector: {matchLabels: {a: c}}}", nil},
		"service name of a StatefulSet":        {head("apps/v1", "StatefulSet"), "spec: {serviceName: a, podManagementPolicy: Parallel}", "spec: {serviceName: b, podManagementPolicy: OrderedReady}", []string{"spec.podManagementPolicy", "spec.serviceName"}},
		"template of a StatefulSet":            {head("apps/v1", "StatefulSet"), "spec: {replicas: 1, template: {a: b}, updateStrategy: {type: a}}", "spec: {replicas: 2, template: {a: c}, updateStrategy: {type: b}, minReadySeconds: 3}", nil},
		"volume claims with defaults":          {head("apps/v1", "StatefulSet"), "spec: {volumeClaimTemplates: [{metadata: {name: a, creationTimestamp: null}, status: {phase: Pending}, spec: {volumeMode: Filesystem, resources: {requests: {storage: 1Gi}}}}]}", "spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {resources: {requests: {storage: 1024Mi}}}}]}", nil},
		"size of volume claims":                {head("apps/v1", "StatefulSet"), "spec: {volumeClaimTemplates: [{spec: {resources: {requests: {storage: 1Gi}}}}]}", "spec: {volumeClaimTemplates: [{spec: {resources: {requests: {storage: 2Gi}}}}]}", []string{"spec.volumeClaimTemplates"}},
		"template of a Job":                    {head("batch/v1", "Job"), "spec: {completions: 1, template: {spec: {containers: [{name: a, image: b}]}}}", "spec: {completions: 2, parallelism: 3, template: {spec: {containers: [{name: a, image: c}]}}}", []string{"spec.completions", "spec.template"}},
		"labels that a Job's controller added": {head("batch/v1", "Job"), "spec: {selector: {matchLabels: {u: v}}, template: {metadata: {labels: {u: v, a: b}}}}", "spec: {backoffLimit: 3, template: {metadata: {labels: {a: b}}}}", nil},
		"address of a Service":                 {head("v1", "Service"), "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: None}", []string{"spec.clusterIP"}},
		"no address wanted":                    {head("v1", "Service"), "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: '', ports: []}", nil},
		"Service by name":                      {head("v1", "Service"), "spec: {clusterIP: 10.0.0.1}", "spec: {type: ExternalName, externalName: a}", nil},
		"a larger claim":                       {head("v1", "PersistentVolumeClaim"), "spec: {resources: {requests: {storage: 1Gi}}, volumeName: x}", "spec: {resources: {requests: {storage: 2Gi}}}", nil},
		"a smaller claim":                      {head("v1", "PersistentVolumeClaim"), "spec: {resources: {requests: {storage: 1Gi}}}", "spec: {resources: {requests: {storage: 1G}}}", []string{"spec.resources.requests.storage"}},
		"class and modes of a claim":           {head("v1", "PersistentVolumeClaim"), "spec: {storageClassName: a, accessModes: [ReadWriteOnce]}", "spec: {storageClassName: b, accessModes: [ReadWriteMany]}", []string{"spec.accessModes", "spec.storageClassName"}},
		"volume of a claim without one":        {head("v1", "PersistentVolumeClaim"), "spec: {}", "spec: {volumeName: a}", nil},
		"volume of a claim with another":       {head("v1", "PersistentVolumeClaim"), "spec: {volumeName: b}", "spec: {volumeName: a}", []string{"spec.volumeName"}},
		"source of a volume":                   {head("v1", "PersistentVolume"), "spec: {capacity: {storage: 1Gi}, nfs: {path: /a}}", "spec: {capacity: {storage: 2Gi}, nfs: {path: /b}}", []string{"spec.nfs"}},
		"type of a Secret":                     {head("v1", "Secret"), "type: Opaque", "type: kubernetes.io/tls", []string{"type"}},
		"no type of a Secret":                  {head("v1", "Secret"), "type: Opaque\ndata: {a: eA==}", "data: {a: eQ==}", nil},
		"data of an immutable Secret":          {head("v1", "Secret"), "immutable: true\ndata: {a: eA==}", "stringData: {a: y}", []string{"data"}},
		"same data of an immutable Secret":     {head("v1", "Secret"), "immutable: true\ndata: {a: eA==}", "immutable: true\nstringData: {a: x}", nil},
		"an immutable ConfigMap":               {head("v1", "ConfigMap"), "immutable: true\ndata: {a: b}", "immutable: false\ndata: {a: c}\nbinaryData: {d: eA==}", []string{"binaryData", "data", "immutable"}},
		"a ConfigMap":                          {head("v1", "ConfigMap"), "data: {a: b}", "immutable: true\ndata: {a: c}", nil},
		"roleRef of a RoleBinding":             {head("rbac.authorization.k8s.io/v1", "RoleBinding"), "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}", "roleRef: {kind: Role, name: b}\nsubjects: []", []string{"roleRef"}},
		"roleRef with a default":               {head("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"), "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}", "roleRef: {kind: ClusterRole, name: a}", nil},
		"parameters of a StorageClass":         {head("storage.k8s.io/v1", "StorageClass"), "provisioner: a\nparameters: {a: b}\nallowVolumeExpansion: false", "provisioner: a\nparameters: {a: c}\nallowVolumeExpansion: true", []string{"parameters"}},
		"controller of an IngressClass":        {head("networking.k8s.io/v1", "IngressClass"), "spec: {controller: a}", "spec: {controller: b}", []string{"spec.controller"}},
		"value of a PriorityClass":             {head("scheduling.k8s.io/v1", "PriorityClass"), "value: 1\ndescription: a", "value: 2\ndescription: b", []string{"value"}},
		"image of a Pod":                       {head("v1", "Pod"), "spec: {containers: [{name: a, image: b}]}", "spec: {containers: [{name: a, image: c}]}", nil},
		"command of a Pod":                     {head("v1", "Pod"), "spec: {nodeName: x, containers: [{name: a, image: b}]}", "spec: {nodeName: y, containers: [{name: a, image: c, args: [d]}]}", []string{"spec.containers", "spec.nodeName"}},
		"scope of a CRD":                       {head("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "spec: {group: a, scope: Namespaced}", "spec: {group: a, scope: Cluster}", []string{"spec.scope"}},
		"attaching by a CSIDriver":             {head("storage.k8s.io/v1", "CSIDriver"), "spec: {attachRequired: true, podInfoOnMount: true}", "spec: {attachRequired: false, podInfoOnMount: false}", []string{"spec.attachRequired"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Immutable(fields(t, test.head+test.live), fields(t, test.head+test.wanted))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
