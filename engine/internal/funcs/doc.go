// Package funcs is the set of functions that a Helm template may call.
//
// [Helm3] and [Helm4] each give a fresh [tmpl.Table]. Its Fn entries are the
// functions of Masterminds/sprig without env and expandenv, together with
// Helm's own: the to and from families for YAML, JSON and TOML, required,
// fail, lookup, getHostByName and, for Helm 4, the duration family. The two
// functions that need the template set, include and tpl, belong to package
// tmpl.
//
// Where charts spend their time an entry also has a Fast or Append form. These
// know the types that values really have (map[string]any, []any, string, bool,
// numbers) and leave anything else to Fn, so the result and the error text are
// always those of Fn. What depends on the order of a Go map in Helm (keys,
// values) has one fixed order here.
//
// Everything in this package is safe for concurrent use.
package funcs
