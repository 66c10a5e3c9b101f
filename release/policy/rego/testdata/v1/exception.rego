package main

exception contains rules if {
	input.kind == "Service"
	rules := [""]
}
