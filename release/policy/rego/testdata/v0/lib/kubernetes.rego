package kubernetes

is_deployment {
	input.kind == "Deployment"
}

containers[container] {
	container := input.spec.template.spec.containers[_]
}
