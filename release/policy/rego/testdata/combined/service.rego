package main

# With --combine the input is a list of files with their contents.
deny contains msg if {
	some i
	input[i].contents.kind == "Deployment"
	deployment := input[i].contents
	not selected(deployment)
	msg := sprintf("%s: nothing selects the pods of Deployment %s", [input[i].path, deployment.metadata.name])
}

selected(deployment) if {
	some file in input
	file.contents.kind == "Service"
	labels := deployment.spec.template.metadata.labels
	every key, value in file.contents.spec.selector {
		labels[key] == value
	}
}
