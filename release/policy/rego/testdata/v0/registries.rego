package main

import data.kubernetes
import data.registries

# Data from a file beside the policies.
deny_registry[msg] {
	container := kubernetes.containers[_]
	not startswith_any(container.image, registries.allowed)
	msg := sprintf("image %s is from a registry that is not allowed", [container.image])
}

startswith_any(text, prefixes) {
	startswith(text, prefixes[_])
}
