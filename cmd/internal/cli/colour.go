package cli

import (
	"os"

	"golang.org/x/term"
)

// colours reports whether what goes to standard output may be coloured: on a
// terminal, or when CLICOLOR_FORCE asks for it, and never with NO_COLOR.
func (a *app) colours() bool {
	getenv := a.env.Getenv
	if getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return false
	}
	if force := getenv("CLICOLOR_FORCE"); force != "" && force != "0" {
		return true
	}
	file, ok := a.env.Stdout.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
