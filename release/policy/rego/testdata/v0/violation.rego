package main

violation[{"msg": msg, "details": {"kind": input.kind, "missing": missing}}] {
	required := {"app.kubernetes.io/name", "app.kubernetes.io/version"}
	provided := {label | input.metadata.labels[label]}
	missing := required - provided
	count(missing) > 0
	msg := sprintf("%s %s lacks labels", [input.kind, input.metadata.name])
}
