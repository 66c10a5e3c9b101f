package funcs

import (
	"github.com/Masterminds/sprig/v3"

	"github.com/e6d26078/slipway/engine/internal/tmpl"
)

// Helm3 returns the functions of Helm v3.22.0's templates, except include and
// tpl. The table is the caller's to change.
func Helm3() tmpl.Table {
	t := sprigTable()
	addHelm(t)
	addFast(t)
	return t
}

// Helm4 returns the functions of Helm v4.3.1's templates, except include and
// tpl: those of Helm 3, and the ones that fail where Helm 3's return "", and
// the duration family. The table is the caller's to change.
func Helm4() tmpl.Table {
	t := sprigTable()
	addHelm(t)
	addHelm4(t)
	addFast(t)
	return t
}

// sprigTable is sprig without the two functions that read the environment.
func sprigTable() tmpl.Table {
	originals := sprig.TxtFuncMap()
	t := make(tmpl.Table, len(originals)+32)
	for name, fn := range originals {
		t[name] = tmpl.Func{Fn: fn}
	}
	delete(t, "env")
	delete(t, "expandenv")

	edit(t, func(f *tmpl.Func) { f.Mutates = true },
		"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite")
	// The date functions print the present for anything that is no date.
	edit(t, func(f *tmpl.Func) { f.Random = true },
		"now", "ago", "date", "date_in_zone", "dateInZone", "htmlDate", "htmlDateInZone", "durationRound",
		"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4",
		"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
		"genSignedCert", "genSignedCertWithKey", "bcrypt", "htpasswd", "encryptAES", "getHostByName")

	// #DIFFERS sprig lists the entries in the order of a Go map, new at each
	// call; here they are sorted by key.
	t["keys"] = tmpl.Func{Fn: sortedKeys}
	t["values"] = tmpl.Func{Fn: valuesByKey}
	return t
}

// edit changes the named functions of t.
func edit(t tmpl.Table, change func(*tmpl.Func), names ...string) {
	for _, name := range names {
		f := t[name]
		change(&f)
		t[name] = f
	}
}

// addHelm adds what both versions of Helm have.
func addHelm(t tmpl.Table) {
	t["toToml"] = tmpl.Func{Fn: toTOML}
	t["fromToml"] = tmpl.Func{Fn: fromTOML}
	t["toYaml"] = tmpl.Func{Fn: toYAML}
	t["toYamlPretty"] = tmpl.Func{Fn: toYAMLPretty}
	t["fromYaml"] = tmpl.Func{Fn: fromYAML}
	t["fromYamlArray"] = tmpl.Func{Fn: fromYAMLArray}
	t["toJson"] = tmpl.Func{Fn: toJSON}
	t["fromJson"] = tmpl.Func{Fn: fromJSON}
	t["fromJsonArray"] = tmpl.Func{Fn: fromJSONArray}
	addEnvironment(t)
}

// addHelm4 adds and replaces what Helm 4 has of its own.
func addHelm4(t tmpl.Table) {
	t["mustToToml"] = tmpl.Func{Fn: mustToTOML}
	t["mustToYaml"] = tmpl.Func{Fn: mustToYAML}
	t["mustToJson"] = tmpl.Func{Fn: mustToJSON}
	addDurations(t)
}
