package cli

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// redrawEvery is how often the block at the end of a terminal is drawn anew.
const redrawEvery = 200 * time.Millisecond

// screen is a block of lines at the end of a terminal that is drawn over and
// over while lines above it stay. Nil does nothing. It is not safe for concurrent use.
type screen struct {
	file  *os.File
	drawn int  // lines of the block that are on the terminal
	whole bool // the block may fill the terminal, else half of it
}

func newScreen(file *os.File) *screen { return &screen{file: file} }

// draw replaces the block. What does not fit is counted.
func (s *screen) draw(lines []string) {
	if s == nil {
		return
	}
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width < 10 || height < 4 {
		width, height = 80, 24
	}
	most := height / 2
	if s.whole {
		most = height - 1
	}
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("  ... %d more lines", len(lines)-most+1))
	}
	var out strings.Builder
	out.WriteString(s.up())
	for _, line := range lines {
		out.WriteString(cut(line, width-1) + "\n")
	}
	s.drawn = len(lines)
	_, _ = s.file.WriteString(out.String())
}

// erase takes the block away.
func (s *screen) erase() {
	if s == nil || s.drawn == 0 {
		return
	}
	_, _ = s.file.WriteString(s.up())
	s.drawn = 0
}

// up goes to the start of the block and clears all that is below.
func (s *screen) up() string {
	if s.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r\x1b[J", s.drawn)
}

// cut shortens a line to a width in characters; colours take none.
func cut(line string, width int) string {
	var out strings.Builder
	for line != "" {
		if strings.HasPrefix(line, "\x1b[") {
			end := strings.IndexByte(line, 'm') + 1
			out.WriteString(line[:end])
			line = line[end:]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		if width > 0 {
			out.WriteRune(r)
		}
		width--
		line = line[size:]
	}
	return out.String()
}
