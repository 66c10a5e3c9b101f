package rego_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6d26078/slipway/release/policy"
	"github.com/e6d26078/slipway/release/policy/rego"
)

// TestStylesOfPolicies has one policy for each way of writing them that
// conftest takes. All are about the Service of the set.
func TestStylesOfPolicies(t *testing.T) {
	const deny = "deny rego/main.deny Service web: no"
	for name, test := range map[string]struct {
		policies []string
		options  policy.RegoOptions
		want     []string
	}{
		"a set of texts":                {[]string{"package main\n\ndeny contains msg if {\n  input.kind == \"Service\"\n  msg := \"no\"\n}\n"}, policy.RegoOptions{}, []string{deny}},
		"with the import of version 1":  {[]string{"package main\nimport rego.v1\n\ndeny contains \"no\" if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{deny}},
		"with keywords of the future":   {[]string{"package main\nimport future.keywords\n\ndeny contains \"no\" if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{deny}},
		"a set before version 1":        {[]string{"package main\n\ndeny[msg] {\n  input.kind == \"Service\"\n  msg = \"no\"\n}\n"}, policy.RegoOptions{}, []string{deny}},
		"before version 1, said so":     {[]string{"package main\n\ndeny[msg] {\n  input.kind == \"Service\"\n  msg = \"no\"\n}\n"}, policy.RegoOptions{Version: "v0"}, []string{deny}},
		"objects with more than msg":    {[]string{"package main\n\ndeny contains {\"msg\": \"no\", \"fix\": \"do\", \"n\": 1} if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{deny + " map[fix:do n:1]"}},
		"violation, as Gatekeeper's":    {[]string{"package main\n\nviolation[{\"msg\": msg, \"details\": {}}] {\n  input.kind == \"Service\"\n  msg := \"no\"\n}\n"}, policy.RegoOptions{}, []string{"deny rego/main.violation Service web: no map[details:map[]]"}},
		"a list instead of a set":       {[]string{"package main\n\nviolation := [{\"msg\": msg}] if {\n  input.kind == \"Service\"\n  msg := \"no\"\n}\n"}, policy.RegoOptions{}, []string{"deny rego/main.violation Service web: no"}},
		"a comprehension":               {[]string{"package main\n\ndeny := {msg | input.kind == \"Service\"; msg := \"no\"}\n"}, policy.RegoOptions{}, []string{deny}},
		"a default":                     {[]string{"package main\n\ndefault deny := []\n\ndeny := [\"no\"] if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{deny}},
		"bodies that add up":            {[]string{"package main\n\ndeny contains \"no\" if input.kind == \"Service\"\n\ndeny contains \"never\" if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{"deny rego/main.deny Service web: never", deny}},
		"names after the word":          {[]string{"package main\n\ndeny_a_b contains \"no\" if input.kind == \"Service\"\n\nwarn_2 contains \"hm\" if input.kind == \"Service\"\n\ndenying contains \"x\"\n\nviolations contains \"x\"\n"}, policy.RegoOptions{}, []string{"deny rego/main.deny_a_b Service web: no", "warn rego/main.warn_2 Service web: hm"}},
		"files of one package":          {[]string{"package main\n\ndeny contains \"no\" if is_service\n", "package main\n\nis_service if input.kind == \"Service\"\n"}, policy.RegoOptions{}, []string{deny}},
		"a library":                     {[]string{"package main\n\nimport data.lib.kinds as k\n\ndeny contains \"no\" if k.is(\"Service\")\n", "package lib.kinds\n\nis(kind) if input.kind == kind\n"}, policy.RegoOptions{}, []string{deny}},
		"a function by such a name":     {[]string{"package main\n\ndeny contains msg if msg := deny_unless(\"Service\")\n\ndeny_unless(kind) := \"no\" if input.kind == kind\n"}, policy.RegoOptions{}, []string{deny}},
		"an exception of one rule":      {[]string{"package main\n\ndeny_lb contains \"no\" if input.kind == \"Service\"\n\nexception contains rules if {\n  input.metadata.name == \"web\"\n  rules := [\"lb\"]\n}\n"}, policy.RegoOptions{}, []string{"excepted deny rego/main.deny_lb Service web: no"}},
		"an exception before version 1": {[]string{"package main\n\nviolation_lb[msg] { input.kind == \"Service\"; msg := \"no\" }\n\nexception[rules] { rules = [\"other\", \"lb\"] }\n"}, policy.RegoOptions{}, []string{"excepted deny rego/main.violation_lb Service web: no"}},
		"an exception of deny itself":   {[]string{"package main\n\ndeny contains \"no\" if input.kind == \"Service\"\n\nexception contains [\"\"]\n"}, policy.RegoOptions{}, []string{"excepted " + deny}},
		"an exception of another":       {[]string{"package main\n\ndeny_lb contains \"no\" if input.kind == \"Service\"\n\nexception contains [\"x\"]\n"}, policy.RegoOptions{}, []string{"deny rego/main.deny_lb Service web: no"}},
		"an exception elsewhere":        {[]string{"package main\n\ndeny_lb contains \"no\" if input.kind == \"Service\"\n", "package other\n\nexception contains [\"lb\"]\n"}, policy.RegoOptions{}, []string{"deny rego/main.deny_lb Service web: no"}},
		"all packages":                  {[]string{"package main\n\ndeny contains \"no\" if input.kind == \"Service\"\n", "package team.a\n\nwarn contains \"hm\" if input.kind == \"Service\"\n"}, policy.RegoOptions{Namespaces: []string{"*"}}, []string{deny, "warn rego/team.a.warn Service web: hm"}},
		"a package below":               {[]string{"package main\n\ndeny contains \"no\" if input.kind == \"Service\"\n", "package main.sub\n\ndeny contains \"x\"\n"}, policy.RegoOptions{}, []string{deny}},
		"data":                          {[]string{"package main\n\nimport data.registries\n\ndeny contains \"no\" if {\n  input.kind == \"Service\"\n  count(registries.allowed) > 0\n}\n"}, policy.RegoOptions{}, []string{deny}},
		"annotations":                   {[]string{"package main\n\n# METADATA\n# title: no\n# custom:\n#   kind: Service\ndeny contains msg if {\n  about := rego.metadata.rule()\n  input.kind == about.custom.kind\n  msg := about.title\n}\n"}, policy.RegoOptions{}, []string{deny}},
		"print and trace":               {[]string{"package main\n\ndeny contains \"no\" if {\n  print(\"looks at\", input.kind)\n  trace(\"looks\")\n  input.kind == \"Service\"\n}\n"}, policy.RegoOptions{}, []string{deny}},
		"another input":                 {[]string{"package main\n\ndeny contains \"no\" if {\n  input.kind == \"Service\"\n  allowed with input as {\"kind\": \"Pod\"}\n}\n\nallowed if input.kind == \"Pod\"\n"}, policy.RegoOptions{}, []string{deny}},
		"all at once":                   {[]string{"package main\n\ndeny contains msg if {\n  some one in input\n  one.contents.kind == \"Service\"\n  msg := sprintf(\"%s of %s\", [one.contents.metadata.name, one.path])\n}\n"}, policy.RegoOptions{Combine: true}, []string{"deny rego/main.deny  : web of shop/templates/service.yaml"}},
		"all at once, before version 1": {[]string{"package main\n\nviolation[msg] {\n  input[i].contents.kind == \"Service\"\n  msg := input[i].contents.metadata.name\n}\n"}, policy.RegoOptions{Combine: true}, []string{"deny rego/main.violation  : web"}},
		"tests beside it":               {[]string{"package main\n\ndeny contains \"no\" if input.kind == \"Service\"\n", "_test package main\n\ntest_it if parse_config(\"yaml\", \"a: b\")\n"}, policy.RegoOptions{}, []string{deny}},
	} {
		t.Run(name, func(t *testing.T) {
			var modules []policy.File
			for i, text := range test.policies {
				text, isTest := strings.CutPrefix(text, "_test ")
				file := string(rune('a'+i)) + ".rego"
				if isTest {
					file = "a_test.rego"
				}
				modules = append(modules, policy.File{Name: file, Data: []byte(text)})
			}
			if diff := cmp.Diff(test.want, told(t, modules, files(t, "data"), test.options)); diff != "" {
				t.Errorf("findings differ (- wanted, + found)\n%s", diff)
			}
		})
	}
}

// TestWhatConftestAloneHasIsRefused has the things that only conftest itself can
// give to policies: without a word they would let everything pass.
func TestWhatConftestAloneHasIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"package main\n\ndeny contains \"x\" if data.conftest.file.name == \"a.yaml\"\n":            "p.rego:3: data.conftest: ",
		"package main\n\nimport data.conftest.file\n\ndeny contains \"x\" if file.name == \"a\"\n":  "p.rego:3: data.conftest: ",
		"package main\n\ndeny contains \"x\" if parse_config(\"yaml\", \"a: b\").a == \"b\"\n":      "p.rego:3: undefined function parse_config: ",
		"package main\n\ndeny contains \"x\" if parse_config_file(\"a.yaml\").a == \"b\"\n":         "p.rego:3: undefined function parse_config_file: ",
		"package main\n\ndeny contains \"x\" if parse_combined_config_files([\"a.yaml\"])[0].a\n":   "p.rego:3: undefined function parse_combined_config_files: ",
		"package main\n\ndeny := {\"a\": \"no\"} if input.kind == \"Service\"\n":                    "p.rego:3: rule deny has to be a set of messages",
		"package main\n\ndeny contains {\"msg\": [\"no\"]} if input.kind == \"Service\"\n":          "p.rego:3: rule deny gives an object without a text named msg",
		"package main\n\ndeny contains 1 if input.kind == \"Service\"\n":                            "p.rego:3: rule deny gives what is neither a text nor an object with msg",
		"package main\n\ndeny.sub contains \"x\" if input.kind == \"Service\"\n":                    "p.rego:3: rule deny has to be a set of messages",
		"package main\n\ndeny contains \"x\" if not data.conftest\n":                                "p.rego:3: data.conftest: ",
		"package main\n\ndeny contains \"x\" if conftest_is_a_name\n\nconftest_is_a_name := data.x": "",
	} {
		p, err := rego.Compile([]policy.File{{Name: "p.rego", Data: []byte(text)}}, nil, policy.RegoOptions{})
		if err == nil {
			_, _, err = p.Evaluate(context.Background(), set(t))
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nerror %v\nwant  %s", text, err, want)
		}
	}
}

// TestDataBelowFoldersStandsBelowTheirNames has data as OPA and conftest load
// them: a file in a folder below the one that is named stands below its name.
func TestDataBelowFoldersStandsBelowTheirNames(t *testing.T) {
	modules := []policy.File{{Name: "p.rego", Data: []byte("package main\n\ndeny contains msg if {\n  input.kind == \"Service\"\n  msg := sprintf(\"%s %s %s\", [data.a, data.team.b, data.team.deep.c])\n}\n")}}
	data := []policy.File{
		{Name: "d/a.yaml", Data: []byte("a: one\n")},
		{Name: "d/team/b.json", Data: []byte(`{"b": "two"}`), Below: []string{"team"}},
		{Name: "d/team/deep/c.yml", Data: []byte("c: three\n"), Below: []string{"team", "deep"}},
	}
	if diff := cmp.Diff([]string{"deny rego/main.deny Service web: one two three"}, told(t, modules, data, policy.RegoOptions{})); diff != "" {
		t.Error(diff)
	}
	again := policy.File{Name: "d/x.yaml", Data: []byte("team: {deep: {c: four}}\n")}
	if _, err := rego.Compile(modules, append(data, again), policy.RegoOptions{}); err == nil || !strings.Contains(err.Error(), "d/x.yaml: another file has team.deep.c already") {
		t.Errorf("two files with one value: %v", err)
	}
}
