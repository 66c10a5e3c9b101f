// Package tmpl is the template language of Go's text/template, with Helm's
// include and tpl built in, as a compiler and a machine that runs what it
// makes. Output and error texts are those of text/template as Helm uses it.
//
// The way of a chart: NewFuncs prepares a table of functions once; Parse turns
// each file into a File; NewSet puts the files of one selection of charts
// together; NewState starts a render, and its Execute runs one template after
// the other:
//
//	funcs, err := tmpl.NewFuncs(table)
//	file, err := tmpl.Parse("chart/templates/cm.yaml", text, funcs)
//	set := tmpl.NewSet(funcs, []*tmpl.File{file})
//	st := tmpl.NewState(ctx, set, tmpl.Env{}, tmpl.Limits{})
//	out, err := st.Execute("chart/templates/cm.yaml", data)
//
// Funcs, File and Set are immutable and may be shared; a State belongs to one
// goroutine. Templates are compiled when they first run. After State.Trace,
// State.TraceAt tells which template wrote a byte of the output.
//
// What differs from text/template on purpose (#DIFFERS): structures nested
// more than 10000 deep are refused; calls too deep for the stack, and tpl
// inside itself 2000 times, end in ErrTooDeep where Go's process would die; a
// percent sign in a file's name does not garble the errors.
package tmpl
