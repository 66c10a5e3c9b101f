package main

deny contains msg if {
	input.kind == "Deployment"
	some container in input.spec.template.spec.containers
	not container.resources.limits.memory
	msg := sprintf("container %s has no limit of memory", [container.name])
}

warn contains msg if {
	input.kind == "Service"
	every port in input.spec.ports {
		port.port < 1024
	}
	msg := "all ports are below 1024"
}
