package derive

import (
	"slices"
	"strings"
	"testing"

	"github.com/e6d26078/slipway/release/manifest"
	"github.com/e6d26078/slipway/release/rollout"
)

func TestAllObstaclesAreNamedAtOnce(t *testing.T) {
	in := canaryOf(t, web, strings.Replace(newer, "replicas: 9", "replicas: 9\n  strategy: {type: Recreate}", 1))
	in.Live = liveOf(in.Base, objects(t, strings.Replace(web, "replicas: 9", "replicas: 9\n  paused: true", 1)))
	in.Around = fieldsOf(objects(t, "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: r}\nspec: {scaleTargetRef: {name: web}}"))
	p, err := Compute(in)
	if reasons := reasonsOf(t, err); len(reasons) != 3 || p != nil {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(err.Error(), "Deployment prod/web: it is paused; resume it first") {
		t.Errorf("the text has no reason and remedy: %v", err)
	}
}

func TestWhatAnOperatorAllowsIsNotRefused(t *testing.T) {
	worker := canaryOf(t, edited(t, web, []string{"selector: {app: web}\n  ports -> selector: {app: other}\n  ports"}), newer)
	worker.Options.Ungated = true
	if p := mustCompute(t, worker); !p.Workloads[0].Worker || p.Workloads[0].Form != Labelled || len(p.Services) != 0 {
		t.Errorf("got %+v", p)
	}
	worker.Settings.Strategy = rollout.BlueGreen
	if p := mustCompute(t, worker); p.Workloads[0].Worker || len(p.Warnings) != 1 {
		t.Errorf("blue-green: got %+v", p)
	}
	one := strings.Replace(database, "replicas: 3", "replicas: 1", 1)
	single := canaryOf(t, one, strings.Replace(one, "db:1", "db:2", 1))
	single.Options.AllowDowntime = true
	mustCompute(t, single)
}

func TestAWorkloadThatSomebodyChangedInPlaceIsRolledOnceMore(t *testing.T) {
	for name, live := range map[string]string{
		"restarted":       strings.Replace(web, "metadata: {labels: {app: web, helm", "metadata: {annotations: {kubectl.kubernetes.io/restartedAt: now}, labels: {app: web, helm", 1),
		"environment set": strings.Replace(web, "annotations: {helm.sh/resource-policy: keep}", `managedFields: [{manager: kubectl-set, fieldsV1: {"f:spec": {"f:template": {"f:spec": {}}}}}]`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			in := canaryOf(t, web, newer)
			in.Live = liveOf(in.Base, objects(t, live))
			p := mustCompute(t, in)
			if p.Workloads[0].Form != Labelled || len(p.Warnings) != 1 {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestAnImageThatAWebhookRewritesIsNoDrift(t *testing.T) {
	for manager, fine := range map[string]bool{"helm": true, "kubectl-set": false} {
		in := canaryOf(t, web, newer)
		in.Live = liveOf(in.Base, objects(t, strings.NewReplacer("web:1", "mirror/web:1", "annotations: {helm.sh/resource-policy: keep}",
			`managedFields: [{manager: `+manager+`, fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}}}}}}]`).Replace(web)))
		if _, err := Compute(in); (err == nil) != fine {
			t.Errorf("%s: %v", manager, err)
		}
	}
}

func TestPodsThatMustNotShareANodeAreWarnedOf(t *testing.T) {
	in := canaryOf(t, web, strings.Replace(newer, "      containers:", "      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]}}\n      containers:", 1))
	if p := mustCompute(t, in); len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "podAntiAffinity") {
		t.Errorf("got %q", p.Warnings)
	}
}

func TestOnlyContentMakesConfigurationChange(t *testing.T) {
	base := web + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n"
	base = strings.Replace(base, "envFrom: [", "envFrom: [{secretRef: {name: s}}, ", 1)
	target := strings.NewReplacer("web:1", "web:2", "web-1.0.0", "web-1.1.0", "stringData: {a: b}", "type: Opaque\ndata: {a: Yg==}").Replace(base)
	if p := mustCompute(t, canaryOf(t, base, target)); p.Workloads[0].Form != Adoptable || len(p.Copies) != 0 {
		t.Errorf("got %+v", p)
	}
}

func TestChangedConfigurationAloneMovesItsWorkload(t *testing.T) {
	p := mustCompute(t, canaryOf(t, web, strings.Replace(web, "blue", "red", 1)))
	if len(p.Workloads) != 1 || p.Workloads[0].Form != Labelled || len(p.Copies) != 1 {
		t.Fatalf("got %+v", p)
	}
	checked := strings.Replace(web, "metadata: {labels: {app: web, helm", "metadata: {annotations: {checksum/config: %s}, labels: {app: web, helm", 1)
	p = mustCompute(t, canaryOf(t, strings.Replace(checked, "%s", "a", 1), strings.NewReplacer("%s", "b", "blue", "red").Replace(checked)))
	if p.Workloads[0].Form != Labelled || len(p.Warnings) != 0 {
		t.Errorf("with a checksum: got %+v", p)
	}
}

func TestAWorkloadWithoutPodsIsLeftToThePromotion(t *testing.T) {
	base := web + "---\n" + second("idle", "app: idle")
	in := canaryOf(t, base, strings.NewReplacer("web:1", "web:2", "a:1", "a:2").Replace(base))
	in.Live = liveOf(in.Base, objects(t, strings.Replace(second("idle", "app: idle"), "spec: {", "spec: {replicas: 0, ", 1)))
	p := mustCompute(t, in)
	if len(p.Workloads) != 1 || len(p.Warnings) != 1 {
		t.Errorf("got %+v", p)
	}
}

const secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {random: \"%s\", fixed: \"%s\"}\n"

func secretOf(random, fixed string) string {
	return strings.Replace(strings.Replace(secret, "%s", random, 1), "%s", fixed, 1)
}

func TestASecretWithRandomContent(t *testing.T) {
	base, target, again := web+secretOf("a", "1"), newer+secretOf("b", "1"), newer+secretOf("c", "1")
	t.Run("stays if nothing else of it changes", func(t *testing.T) {
		in := canaryOf(t, base, target)
		in.Again = objects(t, again)
		if p := mustCompute(t, in); len(p.Kept) != 1 || len(p.Warnings) != 1 {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("is refused if something else of it changes, but for an operator who wants it kept", func(t *testing.T) {
		in := canaryOf(t, base, newer+secretOf("b", "2"))
		in.Again = objects(t, newer+secretOf("c", "2"))
		_, err := Compute(in)
		if reasons := reasonsOf(t, err); len(reasons) != 1 || !strings.Contains(reasons[0].Remedy, "--keep-live") {
			t.Errorf("got %v", err)
		}
		in.Options.KeepLive = true
		if p := mustCompute(t, in); len(p.Kept) != 1 {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("does not move the workload that uses it", func(t *testing.T) {
		use := func(s string) string {
			return strings.Replace(s, "envFrom: [", "envFrom: [{secretRef: {name: s}}, ", 1)
		}
		in := canaryOf(t, use(base), use(target))
		in.Again = objects(t, use(again))
		if p := mustCompute(t, in); p.Workloads[0].Form != Adoptable || len(p.Copies) != 0 {
			t.Errorf("got %+v", p)
		}
	})
	t.Run("is made as it was rendered if it is new", func(t *testing.T) {
		in := canaryOf(t, web, target)
		in.Again = objects(t, again)
		if p := mustCompute(t, in); len(p.Kept) != 0 || !hasRef(p.Early, manifest.Ref{APIVersion: "v1", Kind: "Secret", Namespace: "prod", Name: "s"}) {
			t.Errorf("got %+v", p)
		}
	})
}

func TestARandomChecksumIsNoise(t *testing.T) {
	with := func(text, sum string) string {
		return strings.Replace(text, "metadata: {labels: {app: web, helm", "metadata: {annotations: {checksum/secret: "+sum+"}, labels: {app: web, helm", 1)
	}
	in := canaryOf(t, with(web, "a"), with(newer, "b"))
	in.Again = objects(t, with(newer, "c"))
	mustCompute(t, in)
}

func TestWhatIgnoresTheRatioIsWarnedOf(t *testing.T) {
	for edit, want := range map[string]string{
		"  ports: [{name: http, port ->   clusterIP: None\n  ports: [{name: http, port":                  "headless",
		"  ports: [{name: http, port ->   trafficDistribution: PreferClose\n  ports: [{name: http, port": "PreferClose",
		"[{name: http, port: 80 -> [{name: grpc-api, port: 80":                                           "long-lived connections (grpc)",
		"[{name: http, port: 80 -> [{name: web, appProtocol: kubernetes.io/h2c, port: 80":                "long-lived connections (h2c)",
	} {
		in := canaryOf(t, edited(t, web, []string{edit}), edited(t, newer, []string{edit}))
		if p := mustCompute(t, in); len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], want) {
			t.Errorf("%s: got %q", edit, p.Warnings)
		}
		in.Settings.Strategy = rollout.BlueGreen
		if p := mustCompute(t, in); len(p.Warnings) != 0 {
			t.Errorf("%s: blue-green: got %q", edit, p.Warnings)
		}
	}
}

func TestAnAutoscalerBesideTheReleaseIsLeftAlone(t *testing.T) {
	in := canaryOf(t, web, newer)
	in.Around = fieldsOf(objects(t, scaler))
	p := mustCompute(t, in)
	if w := p.Workloads[0]; w.Scaler != "web" || w.Max != 12 || len(p.Scalers) != 0 || len(p.Warnings) != 1 {
		t.Fatalf("got %+v", p)
	}
	all := mustObjects(t, p, in, rollout.View{Early: true, Clones: true, Full: true, Scaler: rollout.ScalerMoved}, Observed{})
	if n := at(find(t, all, "Deployment", "web-r7"), "spec", "replicas"); n != int64(12) {
		t.Errorf("nothing scales the canary, and it has %v pods, want maxReplicas", n)
	}
}

func TestNamesFitAndStayApart(t *testing.T) {
	long := strings.Repeat("a", 51)
	name := named(long+"-b", "-r12", maxPodOwner)
	other := named(long+"-c", "-r12", maxPodOwner)
	if len(name) > maxPodOwner || !strings.HasSuffix(name, "-r12") || name == other {
		t.Errorf("%q and %q", name, other)
	}
	if got := named("web", "-preview", maxService); got != "web-preview" {
		t.Errorf("got %q", got)
	}
	if got := named(strings.Repeat("a", 55), "-preview", maxService); len(got) != maxService {
		t.Errorf("a name that just fits is %q", got)
	}
	if got := named(strings.Repeat("a", 42)+"."+strings.Repeat("b", 20), "-preview", maxService); len(got) > maxService || strings.Contains(got, ".-") {
		t.Errorf("a name is cut to %q", got)
	}
	at52 := strings.Repeat("w", 52)
	text := strings.NewReplacer("metadata: {name: web, labels: {app: web}, annotations: {helm", "metadata: {name: "+at52+", labels: {app: web}, annotations: {helm").Replace(web)
	in := canaryOf(t, text, strings.Replace(text, "web:1", "web:2", 1))
	in.Settings.Strategy = rollout.BlueGreen
	p := mustCompute(t, in)
	if clone := p.Workloads[0].Clone; len(clone) != maxPodOwner || !strings.HasSuffix(clone, "-r7") {
		t.Errorf("the clone is %q", clone)
	}
}

func TestALeftoverOfAnEarlierRolloutIsNoCollision(t *testing.T) {
	in := canaryOf(t, web, newer)
	left := second("web-r7", "app: other")
	left = strings.Replace(left, "{name: web-r7}", "{name: web-r7, annotations: {slipway.dev/rollout: \"7\", meta.helm.sh/release-name: web}}", 1)
	in.Around = fieldsOf(objects(t, left))
	mustCompute(t, in)
}

func TestPlansOfEqualInputsAreEqual(t *testing.T) {
	first := mustCompute(t, canaryOf(t, web+"---"+scaler, newer+"---"+scaler))
	for range 20 {
		again := mustCompute(t, canaryOf(t, web+"---"+scaler, newer+"---"+scaler))
		if !slices.Equal(first.Warnings, again.Warnings) || differs(asJSON(t, first), asJSON(t, again)) {
			t.Fatalf("got %+v, then %+v", first, again)
		}
	}
}
