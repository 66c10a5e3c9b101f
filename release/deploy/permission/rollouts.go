package permission

import "slices"

// rolloutTable is the part of the table that only rollouts need.
func rolloutTable() map[step][]need {
	return map[step][]need{
		readRollout:  {{resource: "secrets", verbs: []string{"get", "list"}, purpose: aboutRollout}},
		writeRollout: {{resource: "secrets", verbs: []string{"update", "delete"}, purpose: aboutRollout}},
		beginRollout: {{resource: "secrets", verbs: []string{"create", "update"}, purpose: aboutRollout}},
		listRollouts: {{resource: "secrets", verbs: []string{"list"}, everywhere: true, optional: true, purpose: "find the rollouts of all namespaces (-A)"}},
		surveyRollout: {
			{group: "autoscaling", resource: "horizontalpodautoscalers", verbs: []string{"list"}, purpose: aboutSurvey},
			{group: "policy", resource: "poddisruptionbudgets", verbs: []string{"list"}, purpose: aboutSurvey},
			{resource: "services", verbs: []string{"list"}, purpose: aboutSurvey},
			{group: "apps", resource: "deployments", verbs: []string{"list"}, purpose: aboutSurvey},
			{group: "apps", resource: "replicasets", verbs: []string{"list"}, purpose: aboutSurvey},
			{resource: "resourcequotas", verbs: []string{"list"}, purpose: aboutSurvey},
			{group: "argoproj.io", resource: "rollouts", verbs: []string{"list"}, optional: true, purpose: aboutOthers},
			{group: "flagger.app", resource: "canaries", verbs: []string{"list"}, optional: true, purpose: aboutOthers},
			{group: "keda.sh", resource: "scaledobjects", verbs: []string{"list"}, optional: true, purpose: aboutOthers},
		},
		seeSides: {
			{target: sides, verbs: []string{"get"}, purpose: aboutSides},
			{resource: "pods", verbs: []string{"list"}, purpose: aboutSides},
			{group: "discovery.k8s.io", resource: "endpointslices", verbs: []string{"list"}, purpose: aboutSides},
		},
		followRollout: {
			{resource: "pods", verbs: []string{"delete"}, optional: true, purpose: "take pods of StatefulSets back by a step (undo)"},
			{group: "apps", resource: "deployments/scale", verbs: []string{"patch"}, optional: true, purpose: "give the side that takes over the pods that an autoscaler gave the other"},
			{group: "apps", resource: "replicasets", verbs: []string{"list"}, purpose: "tell both sides of a Deployment apart"},
			{group: "apps", resource: "deployments", verbs: []string{"list", "watch"}, purpose: "wait until a canary's Deployment is gone"},
		},
		measureRollout: {{group: "batch", resource: "jobs", verbs: []string{"get", "create", "list", "watch", "delete"}, optional: true, purpose: "metrics that run Jobs"}},
	}
}

// rolloutSteps says what a command on a rollout does.
func rolloutSteps(command Command, o Options) []step {
	abort := []step{
		listRecords, readRecord, createRecord, updateRecord, takeLock, tell, readRollout, writeRollout,
		readObjects, applyObjects, deleteObjects, grantRoles, awaitObjects, seeSides, followRollout,
	}
	guard := append(slices.Clip(abort), runHooks, explainHooks, measureRollout, listRollouts)
	status := []step{listRecords, readRollout, seeSides, listRollouts}
	promote := append(slices.Clip(abort), deleteRecord, beginRollout, runHooks, explainHooks, measureRollout)
	start := append(slices.Clip(promote), surveyRollout)
	if o.ApplyCRDs {
		start = append(start, installCRDs)
	}
	return map[Command][]step{
		RolloutStart: start, RolloutPromote: promote, RolloutAbort: abort, Guard: guard, RolloutStatus: status,
		Rollout: slices.Concat(start, status, guard),
	}[command]
}
