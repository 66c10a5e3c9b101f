// Package manifest turns rendered template files into the ordered documents
// and hooks of a release, with the results Helm has.
//
// The usual way through it:
//
//	notes, files := manifest.Notes(rendered, "mychart", false)
//	set, err := manifest.Sort(files, manifest.Options{})
//	body := set.Body(crds, manifest.BodyOptions{})            // what a release stores
//	text := manifest.Output(body, set.Hooks, manifest.OutputOptions{}) // what "template" prints
//	only, err := manifest.ShowOnly(text, []string{"templates/web.yaml"}, manifest.Helm3)
//
// [Split] cuts a file at its document separators, [Sort] reads the head of
// every document, tells hooks from plain documents and puts both in the order
// in which kinds are installed or removed, [ForEvent] gives the hooks of one
// event in the order in which they run.
//
// Everything here is a pure function of its arguments and safe for concurrent
// use. Contents are substrings of the text handed in, never copies. The zero
// value of every option means Helm v3.22.0's behaviour; [Helm4] gives that of
// v4.3.1 where the two differ: the separator, the blanks kept at the end of a
// document, and the place of webhook configurations in the order.
package manifest
