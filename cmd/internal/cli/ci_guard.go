package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// The log of a pipeline server is read by the server, too. GitHub's runner takes
// a line that begins with "::", and "##[" anywhere, for a command; GitLab folds at
// section_start between a carriage return and an escape; Jenkins reads notes
// behind an escape. Charts, hooks and the cluster write parts of the log, and none
// of them is to give commands. So what goes to standard error passes a logGuard,
// and what goes to standard output passes ciServer.data.

// logGuard is a log of which no line is a command of the server. It holds a line
// back until its end. It is safe for concurrent use.
type logGuard struct {
	mu     sync.Mutex
	to     io.Writer
	server string
	rest   []byte // of a line that has not ended
}

// longestLine bounds what is held back, in bytes.
const longestLine = 64 << 10

func (g *logGuard) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = append(g.rest, p...)
	end := bytes.LastIndexByte(g.rest, '\n') + 1
	if len(g.rest)-end > longestLine {
		end = len(g.rest)
	}
	if end == 0 {
		return len(p), nil
	}
	text := harmless(string(g.rest[:end]), g.server)
	g.rest = append(g.rest[:0], g.rest[end:]...)
	if _, err := io.WriteString(g.to, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

// command writes a line that is meant for the server.
func (g *logGuard) command(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writeRest("\n")
	_, _ = io.WriteString(g.to, line+"\n")
}

// flush writes what is held back.
func (g *logGuard) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.writeRest("")
}

// writeRest writes what is held back, if there is any, and then the text.
func (g *logGuard) writeRest(end string) {
	if len(g.rest) > 0 {
		_, _ = io.WriteString(g.to, harmless(string(g.rest), g.server)+end)
		g.rest = nil
	}
}

// guardLog lets standard error pass a logGuard from here on, if a server reads it.
func (a *app) guardLog(server string) {
	if a.log != nil {
		a.log.mu.Lock()
		defer a.log.mu.Unlock()
		a.log.server = server
		return
	}
	if server != "none" {
		a.log = &logGuard{to: a.env.Stderr, server: server}
		a.env.Stderr = a.log
	}
}

// command writes a line to standard error that the server is to act on.
func (a *app) command(line string) {
	if a.log == nil {
		a.warn(line)
		return
	}
	a.log.command(line)
}

// data is what a command prints, as it can stand in the log of the server. JSON
// stays the same document. In a file nobody looks for commands.
func (c *ciServer) data(text string, to io.Writer) string {
	if c == nil || c.name == "none" || isRegularFile(to) {
		return text
	}
	if json.Valid([]byte(text)) {
		if c.name == "github" {
			text = strings.ReplaceAll(text, "##[", `##\u005b`) // it stands in a text
		}
		return text
	}
	return harmless(text, c.name)
}

// forLog is a text for people as it can stand in the log of the server that runs
// the process, also of a command without --ci.
func (a *app) forLog(text string) string {
	if a.ci != nil || a.log == nil {
		return text // print looks after it
	}
	return (&ciServer{name: a.log.server}).data(text, a.env.Stdout)
}

func isRegularFile(to io.Writer) bool {
	file, ok := to.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// plainColour are the escapes that change colour or weight and nothing else;
// "concealed" is none of them.
var plainColour = func() *regexp.Regexp {
	const code = `(?:[0-4]|22|3[0-79]|9[0-7])`
	return regexp.MustCompile(`\x1b\[` + code + `?(?:;` + code + `)*m`)
}()

// harmless is a text that begins a line of the log, without what a server would
// take for a command, and without control characters that are no colours. A dot
// is put in: in YAML it changes the text, and never the document around it.
func harmless(text, server string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }) >= 0 {
		var out strings.Builder
		at := 0
		for _, part := range plainColour.FindAllStringIndex(text, -1) {
			out.WriteString(printable(text[at:part[0]]) + text[part[0]:part[1]])
			at = part[1]
		}
		text = out.String() + printable(text[at:])
	}
	if server != "github" || !strings.Contains(text, "::") && !strings.Contains(text, "##[") {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		// The runner leaves out what is no character to it.
		bare := strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) })
		if strings.HasPrefix(bare, "::") {
			line = line[:len(line)-len(bare)] + "." + bare
		}
		out.WriteString(strings.ReplaceAll(line, "##[", "##.["))
	}
	return out.String()
}
