package tmpl

import "fmt"

// printExpr is a call of print, printf or println.
type printExpr struct{ callExpr }

func (e *printExpr) emit(st *State) error {
	base, err := e.push(st)
	if err != nil {
		return err
	}
	if e.fn.builtin == builtinPrintf {
		if _, ok := st.stack[base].(string); !ok {
			if err := e.convertArg(st, base, 0); err != nil {
				return err
			}
		}
	}
	args := st.stack[base:]
	switch e.fn.builtin {
	case builtinPrintf:
		st.buf = appendFormat(st.buf, args[0].(string), args[1:])
	case builtinPrintln:
		st.buf = fmt.Appendln(st.buf, args...)
	default:
		st.buf = appendPrint(st.buf, args)
	}
	st.pop(base)
	return nil
}

func (e *printExpr) eval(st *State) (any, error) {
	if st.trace != nil {
		return e.callExpr.eval(st)
	}
	mark := len(st.buf)
	if err := e.emit(st); err != nil {
		return nil, err
	}
	return st.cut(mark), nil
}

// appendPrint appends what fmt.Sprint gives. Strings only need no fmt.
func appendPrint(dst []byte, args []any) []byte {
	for _, arg := range args {
		if _, ok := arg.(string); !ok {
			return fmt.Append(dst, args...)
		}
	}
	for _, arg := range args {
		dst = append(dst, arg.(string)...)
	}
	return dst
}

// appendFormat appends what fmt.Sprintf gives. Formats that have no verbs but
// %s and %d, with the right operands, need no fmt.
func appendFormat(dst []byte, format string, args []any) []byte {
	start, used := len(dst), 0
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' {
			dst = append(dst, c)
			continue
		}
		i++
		if i == len(format) || used == len(args) {
			return fmt.Appendf(dst[:start], format, args...)
		}
		text, isString := args[used].(string)
		n, isInt := args[used].(int)
		switch {
		case isString && (format[i] == 's' || format[i] == 'v'):
			dst = append(dst, text...)
		case isInt && (format[i] == 'd' || format[i] == 'v'):
			dst, _ = appendValue(dst, n)
		default:
			return fmt.Appendf(dst[:start], format, args...)
		}
		used++
	}
	if used < len(args) {
		return fmt.Appendf(dst[:start], format, args...)
	}
	return dst
}
