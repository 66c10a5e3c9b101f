package tmpl

import (
	"slices"
	"sort"
	"strings"
	"unsafe"
)

// Frame is a place in a template.
type Frame struct {
	File      string // as given to Parse, or gotpl for a text given to tpl
	Line, Col int    // both counted from 1, Col in bytes
	Template  string // the named template that ran
}

// Trace makes the Executes that follow remember where each byte of their
// output comes from. They are much slower. The output stays the same.
func (st *State) Trace() { st.trace = newTrace() }

// TraceAt returns where a byte of the last Execute's output comes from: the
// place that wrote it, the call of that template, and so on out to the file.
// The offset counts in the output as StripNoValue leaves it. The result is
// empty if Trace was not called before Execute, or outside the output.
//
// Strings are followed through variables and functions as long as their lines
// can be recognised. What a function made otherwise belongs to the action that
// printed it.
func (st *State) TraceAt(offset int) []Frame {
	if st.trace == nil || offset < 0 {
		return nil
	}
	i := sort.Search(len(st.trace.spans), func(i int) bool { return st.trace.spans[i].end > offset })
	if i == len(st.trace.spans) || st.trace.spans[i].start > offset {
		return nil
	}
	s := st.trace.spans[i]
	pos := s.pos
	if s.text {
		pos += int32(offset - s.start)
	}
	var frames []Frame
	for a := s.by; a != nil; a = a.caller {
		frames = append(frames, a.frame(pos))
		pos = a.callPos
	}
	return frames
}

// activation is one run of a template.
type activation struct {
	template *Template
	caller   *activation
	callPos  int32 // the place of the call in the caller
}

func (a *activation) frame(pos int32) Frame {
	before := a.template.file.text[:pos]
	return Frame{
		File:     a.template.file.Name,
		Line:     1 + strings.Count(before, "\n"),
		Col:      len(before) - strings.LastIndexByte(before, '\n'),
		Template: a.template.name,
	}
}

// span is a piece of text and where it comes from.
type span struct {
	start, end int
	by         *activation
	pos        int32 // in the source; for text that of the first byte, else that of all
	text       bool
}

// part returns the part of the span within [start, end), moved by delta.
func (s span) part(start, end, delta int) (span, bool) {
	cut := s
	cut.start, cut.end = max(s.start, start), min(s.end, end)
	if s.text {
		cut.pos += int32(cut.start - s.start)
	}
	cut.start, cut.end = cut.start+delta, cut.end+delta
	return cut, cut.start < cut.end
}

// parts returns what of the spans lies within [start, end), moved by delta.
func parts(spans []span, start, end, delta int) []span {
	var found []span
	for i := sort.Search(len(spans), func(i int) bool { return spans[i].end > start }); i < len(spans); i++ {
		if spans[i].start >= end {
			break
		}
		if p, ok := spans[i].part(start, end, delta); ok {
			found = append(found, p)
		}
	}
	return found
}

// known is a string whose origin is known. The spans count from its start.
type known struct {
	text  string
	spans []span
}

func (k *known) address() uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(k.text))) }

// trace is what a State remembers while tracing.
type trace struct {
	spans   []span // of the output, in its order
	current *activation
	strings []*known // by address; being kept, none of the addresses is used again
}

func newTrace() *trace { return &trace{} }

// call runs a template's body for a call at node n.
func (tr *trace) call(st *State, n *node, t *Template, body block) error {
	caller := tr.current
	tr.current = &activation{template: t, caller: caller}
	if n != nil {
		tr.current.callPos = n.pos
	}
	err := tr.run(st, body)
	tr.current = caller
	return err
}

// run is block.run with tracing.
func (tr *trace) run(st *State, b block) error {
	source := unsafe.StringData(tr.current.template.file.text)
	for i := range b {
		s := &b[i]
		if s.text != "" {
			start := len(st.buf)
			st.buf = append(st.buf, s.text...)
			pos := uintptr(unsafe.Pointer(unsafe.StringData(s.text))) - uintptr(unsafe.Pointer(source))
			tr.spans = append(tr.spans, span{start, len(st.buf), tr.current, int32(pos), true})
		}
		if err := tr.act(st, s.action); err != nil {
			return err
		}
	}
	return nil
}

func (tr *trace) act(st *State, a action) error {
	switch a := a.(type) {
	case nil:
		return nil
	case *printAction:
		start := len(st.buf)
		v, err := a.e.eval(st)
		if err != nil {
			return err
		}
		if err := (&printAction{a.n, &constExpr{v}}).run(st); err != nil {
			return err
		}
		tr.printed(start, len(st.buf), v, a.n)
		return nil
	case *emitAction:
		start := len(st.buf)
		switch e := a.e.(type) {
		case *includeExpr, *tplExpr:
			if err := e.emit(st); err != nil {
				return err
			}
			tr.fill(start, len(st.buf), a.n, tr.take(start))
			return nil
		}
		v, err := a.e.eval(st)
		if err != nil {
			return err
		}
		st.buf, _ = appendValue(st.buf, v)
		tr.printed(start, len(st.buf), v, a.n)
		return nil
	}
	return a.run(st)
}

// take removes and returns the spans of the output from start on.
func (tr *trace) take(start int) []span {
	i := sort.Search(len(tr.spans), func(i int) bool { return tr.spans[i].start >= start })
	taken := slices.Clone(tr.spans[i:])
	tr.spans = tr.spans[:i]
	return taken
}

// fill adds the spans to the output; what they leave of [start, end) belongs to n.
func (tr *trace) fill(start, end int, n *node, spans []span) {
	gap := func(to int) {
		if start < to {
			tr.spans = append(tr.spans, span{start: start, end: to, by: tr.current, pos: n.pos})
		}
	}
	for _, s := range spans {
		gap(s.start)
		tr.spans = append(tr.spans, s)
		start = s.end
	}
	gap(end)
}

// printed adds the spans of a value that node n printed.
func (tr *trace) printed(start, end int, v any, n *node) {
	var spans []span
	if s, ok := v.(string); ok {
		spans = tr.origin(s)
		for i := range spans {
			spans[i].start += start
			spans[i].end += start
		}
	}
	tr.fill(start, end, n, spans)
}

// find returns the known string that has the bytes of s, and where in it they are.
func (tr *trace) find(s string) (*known, int) {
	if s == "" {
		return nil, 0
	}
	address := uintptr(unsafe.Pointer(unsafe.StringData(s)))
	i := sort.Search(len(tr.strings), func(i int) bool { return tr.strings[i].address() > address }) - 1
	if i < 0 {
		return nil, 0
	}
	k := tr.strings[i]
	at := int(address - k.address())
	if at+len(s) > len(k.text) {
		return nil, 0
	}
	return k, at
}

// origin returns the spans of s, counted from its start, as far as they are known.
func (tr *trace) origin(s string) []span {
	k, at := tr.find(s)
	if k == nil {
		return nil
	}
	return parts(k.spans, at, at+len(s), -at)
}

// remember makes s a known string.
func (tr *trace) remember(s string, spans []span) {
	if s == "" || len(spans) == 0 {
		return
	}
	k := &known{s, spans}
	i := sort.Search(len(tr.strings), func(i int) bool { return tr.strings[i].address() >= k.address() })
	tr.strings = slices.Insert(tr.strings, i, k)
}

// cut follows what was taken back from the output, from mark on, as the string s.
func (tr *trace) cut(s string, mark int) {
	spans := tr.take(mark)
	for i := range spans {
		spans[i].start -= mark
		spans[i].end -= mark
	}
	tr.remember(s, spans)
}

// derive follows strings from the arguments of a function to its result.
func (tr *trace) derive(result any, args []any) {
	s, ok := result.(string)
	if !ok {
		return
	}
	if k, _ := tr.find(s); k != nil {
		return
	}
	var spans []span
	done := 0
	for _, arg := range args {
		text, ok := arg.(string)
		if !ok {
			continue
		}
		from := tr.origin(text)
		if len(from) == 0 {
			continue
		}
		if at := strings.Index(s[done:], text); at >= 0 {
			at += done
			spans = append(spans, parts(from, 0, len(text), at)...)
			done = at + len(text)
			continue
		}
		found := alignLines(text, s[done:], from)
		for i := range found {
			found[i].start += done
			found[i].end += done
		}
		if spans = append(spans, found...); len(found) > 0 {
			done = found[len(found)-1].end
		}
	}
	tr.remember(s, spans)
}

// alignLines gives lines of to the spans of the lines of from that they have
// the content of, apart from white space around it and cut ends.
func alignLines(from, to string, spans []span) []span {
	const ahead = 64 // how many lines of from may be left out at a time
	var found []span
	fromStart, toStart := 0, 0
	for toStart < len(to) {
		line, _, _ := strings.Cut(to[toStart:], "\n")
		content := strings.TrimSpace(line)
		at := toStart + strings.Index(line, content)
		toStart += len(line) + 1
		if content == "" {
			continue
		}
		next := fromStart
		for range ahead {
			if next >= len(from) {
				break
			}
			candidate, _, _ := strings.Cut(from[next:], "\n")
			start := next
			next += len(candidate) + 1
			inner := strings.TrimSpace(candidate)
			if inner == "" {
				continue
			}
			if i := strings.Index(candidate, content); i >= 0 {
				found = append(found, parts(spans, start+i, start+i+len(content), at-start-i)...)
			} else if i := strings.Index(content, inner); i >= 0 {
				begin := start + strings.Index(candidate, inner)
				found = append(found, parts(spans, begin, begin+len(inner), at+i-begin)...)
			} else {
				continue
			}
			fromStart = next
			break
		}
	}
	return found
}

// strip moves the spans as StripNoValue will move the output from mark on.
func (tr *trace) strip(buf []byte, mark int) {
	spans := tr.take(mark)
	var kept []span
	start, removed := mark, 0
	for {
		at := strings.Index(transient(buf[start:]), noValue)
		end := len(buf)
		if at >= 0 {
			end = start + at
		}
		kept = append(kept, parts(spans, start, end, -removed)...)
		if at < 0 {
			break
		}
		start = end + len(noValue)
		removed += len(noValue)
	}
	tr.spans = append(tr.spans, kept...)
}

// finish makes the spans count in the output as StripNoValue leaves it.
func (tr *trace) finish(buf []byte) { tr.strip(buf, 0) }
