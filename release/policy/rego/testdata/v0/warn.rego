package main

import data.kubernetes

warn[msg] {
	kubernetes.is_deployment
	input.spec.replicas < 2
	msg := "a single pod serves everybody"
}

warn_service_type[msg] {
	input.kind == "Service"
	input.spec.type == "LoadBalancer"
	msg := sprintf("Service %v costs a load balancer", [input.metadata.name])
}
