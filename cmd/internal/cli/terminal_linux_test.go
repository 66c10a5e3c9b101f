package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs a command on a pseudo terminal of 100 columns and 40 lines, and
// writes all that it prints there.
func onTerminal(cmd *exec.Cmd, out io.Writer) error {
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer near.Close()
	fd := int(near.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return fmt.Errorf("name of the terminal: %w", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("unlock the terminal: %w", err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 100, Row: 40}); err != nil {
		return fmt.Errorf("size of the terminal: %w", err)
	}
	far, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = far.Close()
	if err != nil {
		return err
	}
	_, _ = io.Copy(out, near) // ends with an error when nobody has the other end any more
	return cmd.Wait()
}

// lineControl is what moves about on a terminal: lines up, to the start of the
// line, and clearing of all that is below.
var lineControl = regexp.MustCompile(`\x1b\[(\d+)A|\r|\x1b\[J|\n`)

// leftOn is what is left on a terminal in the end. Colours stay in the text.
func leftOn(printed string) string {
	lines := []string{""}
	at := 0
	write := func(text string) { lines[at] += text }
	for printed != "" {
		place := lineControl.FindStringSubmatchIndex(printed)
		if place == nil {
			write(printed)
			break
		}
		write(printed[:place[0]])
		switch control := printed[place[0]:place[1]]; {
		case control == "\n":
			if at++; at == len(lines) {
				lines = append(lines, "")
			}
		case control == "\r" && strings.HasPrefix(printed[place[1]:], "\n"): // the terminal's own end of a line
		case control == "\r":
			lines[at] = ""
		case control == "\x1b[J":
			lines = append(lines[:at], "")
		default:
			n, _ := strconv.Atoi(printed[place[2]:place[3]])
			at = max(0, at-n)
		}
		printed = printed[place[1]:]
	}
	return strings.Join(lines, "\n")
}

func TestWhatIsLeftOnATerminal(t *testing.T) {
	var out bytes.Buffer
	err := onTerminal(exec.Command("sh", "-c", `test -t 0 -a -t 1 -a -t 2 && stty size
printf 'kept\none\ntwo\n\033[2A\r\033[Jthree\n\033[1A\r\033[J\033[31mred\033[0m\n'`), &out)
	if err != nil {
		t.Fatal(err)
	}
	if want := "40 100\nkept\n\x1b[31mred\x1b[0m\n"; leftOn(out.String()) != want {
		t.Errorf("%q is left of %q, want %q", leftOn(out.String()), out.String(), want)
	}
}
