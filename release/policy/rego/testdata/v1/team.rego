package team.shop

deny contains msg if {
	input.kind == "Secret"
	msg := sprintf("the password is %s", [base64.decode(input.data.password)])
}
