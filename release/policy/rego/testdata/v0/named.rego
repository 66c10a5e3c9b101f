package main

import data.kubernetes

# A name and an exception for it, as a partial set of lists.
deny_privileged[msg] {
	container := kubernetes.containers[_]
	container.securityContext.privileged == true
	msg := sprintf("container %s is privileged", [container.name])
}

exception[rules] {
	input.metadata.annotations["policy.example/privileged"] == "agreed"
	rules := ["privileged"]
}
