package main

import rego.v1

violation_replicas contains {"msg": msg, "field": "spec.replicas", "team": "platform"} if {
	input.kind == "Deployment"
	input.spec.replicas < 2
	msg := sprintf("Deployment %s has %d pods", [input.metadata.name, input.spec.replicas])
}
