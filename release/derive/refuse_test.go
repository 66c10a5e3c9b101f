package derive

import (
	"cmp"
	"maps"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

// second is another Deployment, whose pods have some labels.
func second(name, labels string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec: {selector: {matchLabels: {" + labels +
		"}}, template: {metadata: {labels: {" + labels + "}}, spec: {containers: [{name: a, image: \"a:1\"}]}}}\n"
}

const (
	route   = "apiVersion: example.com/v1\nkind: TestRoute\nmetadata: {name: web}\nspec: {backends: [web]}\n"
	binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: web}\nroleRef: {name: a, kind: Role}\n"
)

// edited replaces texts, written "old -> new"; "$" is the end.
func edited(t *testing.T, text string, edits []string) string {
	t.Helper()
	for _, edit := range edits {
		before, after, _ := strings.Cut(edit, " -> ")
		switch {
		case before == "$":
			text += after
		case strings.Contains(text, before):
			text = strings.ReplaceAll(text, before, after)
		default:
			t.Fatalf("%q is not in\n%s", before, text)
		}
	}
	return text
}

// again renders the target a second time with another result.
func again(second string) func(*Input) {
	return func(in *Input) {
		list, err := manifest.Objects(second)
		if err != nil {
			panic(err)
		}
		for i := range list {
			list[i].Namespace = "prod"
			child(list[i].Fields, "metadata")["namespace"] = "prod"
		}
		in.Again = list
	}
}

// How the rows below change an input.
func blueGreen(in *Input) { in.Settings.Strategy = rollout.BlueGreen }
func total(in *Input)     { in.Settings.Total = true }
func routed(in *Input)    { in.Options.Router, in.Routers = "test", []Router{fakeRouter{}} }

func gone(kind string) func(*Input) {
	return func(in *Input) {
		maps.DeleteFunc(in.Live, func(r manifest.Ref, _ Fields) bool { return r.Kind == kind })
	}
}

const (
	claim  = "\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: files}\nspec: {accessModes: [ReadWriteOnce]}\n"
	volume = "spec:\n      volumes: [{name: v, persistentVolumeClaim: {claimName: files}}]\n      containers:"
	db2    = "image: \"db:1\" -> image: \"db:2\""
)

// refusal is a release that cannot be launched, for one reason.
type refusal struct {
	name   string
	base   string   // "" is web
	edits  []string // "old -> new", in base and target
	target []string // in the target only
	live   string   // replaces live objects
	around string
	with   func(*Input)
	why    string
}

var refusals = []refusal{
	{name: "nothing changes", target: []string{"web:2 -> web:1"}, why: "no workload's pods change"},
	{name: "only the chart's version changes", target: []string{"web:2 -> web:1", "web-1.1.0 -> web-1.2.0"}, why: "no workload's pods change"},
	{name: "the selector changes", target: []string{"matchLabels: {app: web} -> matchLabels: {app: web, tier: a}", "app: web, helm -> app: web, tier: a, helm"}, why: "its selector changes"},
	{name: "the strategy is Recreate", edits: []string{"replicas: 9 -> replicas: 9\n  strategy: {type: Recreate}"}, why: "its strategy is Recreate"},
	{name: "the clone would use a claim of one node", edits: []string{"spec:\n      containers: -> " + volume, "$ -> " + claim}, why: "cannot be used from several nodes"},
	{name: "the clone would use a port of its node", target: []string{"containerPort: 8080 -> containerPort: 8080, hostPort: 80"}, why: "port 80 of their node"},
	{name: "the clone would use the network of its node", target: []string{"      containers: ->       hostNetwork: true\n      containers:"}, why: "hostNetwork"},
	{name: "the Service selects another workload of the release too", edits: []string{"$ -> \n---\n" + second("other", "app: web, part: other")}, why: "several workloads: Deployment web, Deployment other"},
	{name: "the Service selects a canary that somebody made by hand", around: second("web-canary", "app: web, track: canary"), why: "several workloads: Deployment web, Deployment web-canary"},
	{name: "the Service does not select the new pods", edits: []string{"selector: {app: web}\n  ports -> selector: {app: web, version: a}\n  ports"}, target: []string{"version: a -> version: b"}, base: strings.Replace(web, "labels: {app: web, helm", "labels: {app: web, version: a, helm", 1), why: "does not select the new pods"},
	{name: "the new Service does not select the new pods", target: []string{"selector: {app: web}\n  ports -> selector: {app: shop}\n  ports"}, why: "with its new selector"},
	{name: "the new pods lack a named port", target: []string{"name: http, containerPort -> name: web, containerPort"}, why: "targetPort http is none"},
	{name: "the new pods lack a numbered port", edits: []string{"targetPort: http -> targetPort: 8080"}, target: []string{"containerPort: 8080 -> containerPort: 9090"}, why: "targetPort 8080 is none"},
	{name: "new pods would have traffic at once", target: []string{"$ -> \n---\n" + second("fresh", "app: web")}, why: "would send traffic to its pods at once"},
	{name: "the Deployment is paused", live: strings.Replace(web, "replicas: 9", "replicas: 9\n  paused: true", 1), why: "it is paused"},
	{name: "the image was changed by hand", live: strings.Replace(web, "web:1", "web:hotfix", 1), why: "live container web"},
	{name: "the Service's selector was changed by hand", live: strings.Replace(web, "selector: {app: web}\n  ports", "selector: {app: other}\n  ports", 1), why: "its live selector is not"},
	{name: "a pin is left", live: strings.Replace(web, "selector: {app: web}\n  ports", "selector: {app: web, pod-template-hash: abc}\n  ports", 1), why: "one side of an earlier rollout"},
	{name: "the autoscaler's minimum was changed by hand", edits: []string{"$ -> \n---" + scaler}, live: strings.Replace(scaler, "minReplicas: 2", "minReplicas: 5", 1), why: "live minReplicas"},
	{name: "the autoscaler was moved by hand", edits: []string{"$ -> \n---" + scaler}, live: strings.Replace(scaler, "name: web}}", "name: else}}", 1), why: "live scaleTargetRef"},
	{name: "the autoscaler is to scale something else", edits: []string{"$ -> \n---" + scaler}, target: []string{"kind: Deployment, name: web} -> kind: Deployment, name: else}"}, why: "scale another workload"},
	{name: "in total mode, somebody scaled it", live: strings.Replace(web, "replicas: 9", "replicas: 4", 1), with: total, why: "it has 4 pods and the deployed revision says 9"},
	{name: "in total mode, the chart does not say how many", edits: []string{"  replicas: 9\n -> "}, with: total, why: "its number of pods is not in the chart"},
	{name: "Argo CD manages it", live: strings.Replace(web, "prometheus.io/scrape: ", "argocd.argoproj.io/tracking-id: x, y: ", 1), why: "Argo CD manages it"},
	{name: "Flux manages it", live: strings.Replace(web, "metadata: {name: web, labels: {app: web}, annotations: {prom", "metadata: {name: web, managedFields: [{manager: helm-controller}], labels: {app: web}, annotations: {prom", 1), why: "Flux manages it"},
	{name: "an Argo Rollout launches it", around: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {kind: Deployment, name: web}}", why: "Argo Rollouts launches it"},
	{name: "a Flagger Canary launches it", around: "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: r}\nspec: {targetRef: {kind: Deployment, name: web}}", why: "Flagger launches it"},
	{name: "KEDA scales it", around: "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: r}\nspec: {scaleTargetRef: {name: web}}", why: "which slipway cannot hold"},
	{name: "a controller's autoscaler scales it", around: strings.Replace(scaler, "{name: web}", "{name: keda-web, ownerReferences: [{kind: ScaledObject}]}", 1), why: "belongs to another controller"},
	{name: "something unknown scales it", live: strings.Replace(web, "{helm.sh/resource-policy: keep}", "{}, managedFields: [{manager: scaly, subresource: scale}]", 1), why: "scaly scales it"},
	{name: "the quota has too few pods", around: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nstatus: {hard: {pods: 15}, used: {pods: 9}}", why: "pods: 9 more at most, 6 free"},
	{name: "the quota has too little memory", target: []string{"image: web:2 -> image: web:2\n          resources: {limits: {memory: 1Gi}}"}, around: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {requests.memory: 8Gi}}", why: "requests.memory: 9Gi more at most, 8Gi free"},
	{name: "no Service selects the worker", edits: []string{"selector: {app: web}\n  ports -> selector: {app: other}\n  ports"}, why: "no Service selects its pods"},
	{name: "clients stick to pods", edits: []string{"port: 80, targetPort: http, nodePort: 30080}] -> port: 80, targetPort: http}]\n  sessionAffinity: ClientIP"}, why: "sessionAffinity ClientIP"},
	{name: "traffic stays on its node", edits: []string{"port: 80, targetPort: http, nodePort: 30080}] -> port: 80, targetPort: http}]\n  internalTrafficPolicy: Local"}, why: "internalTrafficPolicy Local"},
	{name: "the clone's name is taken", around: second("web-r7", "app: other"), why: "Deployment prod/web-r7 would be made"},
	{name: "the preview's name is taken", with: blueGreen, around: "apiVersion: v1\nkind: Service\nmetadata: {name: web-preview}\nspec: {}", why: "Service prod/web-preview would be made"},
	{name: "a Service beside the release selects the pods of blue-green", with: blueGreen, around: "apiVersion: v1\nkind: Service\nmetadata: {name: aside}\nspec: {selector: {app: web}}", why: "cannot be kept from the canary"},
	{name: "nothing routes to the Service", with: routed, why: "cannot divide its traffic: nothing routes to them"},
	{name: "there is no such router", with: func(in *Input) { in.Options.Router = "gateway"; in.Routers = []Router{fakeRouter{}} }, why: "there is no router gateway"},
	{name: "a route was changed by hand", with: routed, edits: []string{"$ -> \n---\n" + route}, live: strings.Replace(route, "[web]", "[else]", 1), why: "its live spec.backends[0] is not"},
	{name: "a binding is of another role", edits: []string{"$ -> \n---\n" + binding}, target: []string{"roleRef: {name: a -> roleRef: {name: b"}, why: "roleRef changes"},
	{name: "a template is random", with: again(strings.Replace(newer, "web:2", "web:3", 1)), why: "spec.template.spec.containers[0].image differs each time"},
	{name: "a ConfigMap is random", with: again(strings.Replace(newer, "blue", "red", 1)), why: "data.colour differs each time"},
	{name: "a name is random", with: again(strings.Replace(newer, "{name: web-config,", "{name: web-x,", 1)), why: "its name differs each time"},
	{name: "a StatefulSet's claims change", base: database, target: []string{db2, "ReadWriteOnce -> ReadWriteMany"}, why: "its volumeClaimTemplates changes"},
	{name: "a StatefulSet's configuration changes", base: database, target: []string{"small -> large"}, why: "configuration that it uses changes"},
	{name: "a StatefulSet is to be blue-green", base: database, target: []string{db2}, with: blueGreen, why: "has its pods once"},
	{name: "a StatefulSet of one pod serves", base: database, edits: []string{"replicas: 3 -> replicas: 1"}, target: []string{db2}, why: "one pod behind a Service"},
	{name: "a StatefulSet is replaced by hand", base: database, edits: []string{"serviceName: db -> serviceName: db\n  updateStrategy: {type: OnDelete}"}, target: []string{db2}, why: "OnDelete"},
	{name: "a StatefulSet has a partition", base: database, target: []string{db2}, live: strings.Replace(database, "serviceName: db", "serviceName: db\n  updateStrategy: {rollingUpdate: {partition: 2}}", 1), why: "its live partition is 2"},
	{name: "the Deployment is gone", with: gone("Deployment"), why: "it is not in the cluster"},
	{name: "the Service is gone", with: gone("Service"), why: "it is not in the cluster"},
	{name: "the autoscaler is gone", edits: []string{"$ -> \n---" + scaler}, with: gone("HorizontalPodAutoscaler"), why: "it is not in the cluster"},
	{name: "a StatefulSet's Service name changes", base: database, target: []string{db2, "serviceName: db -> serviceName: other"}, why: "its serviceName changes"},
	{name: "the chart sets a partition", base: database, edits: []string{"serviceName: db -> serviceName: db\n  updateStrategy: {rollingUpdate: {partition: 1}}"}, target: []string{db2}, why: "a partition of its own"},
	{name: "a StatefulSet is to be routed", base: web + "---\n" + route + "---" + database, target: []string{db2}, with: routed, why: "has its pods once"},
}

func TestWhatCannotBeRolledOutIsRefusedWithTheReason(t *testing.T) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			base := edited(t, cmp.Or(test.base, web), test.edits)
			target := strings.NewReplacer("web:1", "web:2", "web-1.0.0", "web-1.1.0").Replace(base)
			in := canaryOf(t, base, edited(t, target, test.target))
			if test.live != "" {
				in.Live = liveOf(in.Base, objects(t, test.live))
			}
			in.Around = fieldsOf(objects(t, test.around))
			if test.with != nil {
				test.with(&in)
			}
			_, err := Compute(in)
			reasons := reasonsOf(t, err)
			if len(reasons) != 1 || !strings.Contains(reasons[0].Why, test.why) || reasons[0].Remedy == "" {
				t.Errorf("got %v\nwant one reason with %q", err, test.why)
			}
		})
	}
}
