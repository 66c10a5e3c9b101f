package main

# conftest's own functions, which tests alone need, are no reason to refuse a policy.
test_deployment {
	deny["x"] with input as parse_config_file("deployment.yaml")
}
