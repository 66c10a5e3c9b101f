package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// report writes an error for people to standard error: the text, which holds
// Helm's wording where Helm has one, then excerpts, then what to do.
func (a *app) report(ctx context.Context, err error) {
	var sig signalled
	if errors.As(context.Cause(ctx), &sig) {
		err = sig
	}
	var out strings.Builder
	fmt.Fprintf(&out, "slipway: error: %s\n", strings.TrimRight(err.Error(), "\n"))
	var hints []string
	for f := (*failure)(nil); errors.As(err, &f); err = f.err {
		out.WriteString(f.details)
		hints = append(hints, f.hints...)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		hints = append(hints, "give it more time with --timeout")
	}
	for _, hint := range hints {
		fmt.Fprintf(&out, "slipway: hint: %s\n", hint)
	}
	_, _ = a.env.Stderr.Write([]byte(out.String()))
}

// excerpt shows the lines of a text around one line, which is marked, and
// below it the column, both counted from 1. Column 0 is unknown.
func excerpt(text string, line, col, around int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	first, last := max(1, line-around), min(len(lines), line+around)
	width := len(fmt.Sprint(last))
	var out strings.Builder
	for n := first; n <= last; n++ {
		mark := ' '
		if n == line {
			mark = '>'
		}
		shown := clip(strings.TrimRight(lines[n-1], "\r"))
		fmt.Fprintf(&out, "  %c %*d | %s\n", mark, width, n, shown)
		if n == line && col > 0 && col <= len(shown) {
			fmt.Fprintf(&out, "    %*s | %s^\n", width, "", blanks(shown[:col-1]))
		}
	}
	return out.String()
}

// clip cuts lines that no terminal shows anyway.
func clip(line string) string {
	const most = 200
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "..."
}

// blanks is a text of the same width as s, with its tabs.
func blanks(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}
