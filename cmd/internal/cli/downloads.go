package cli

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/e6d26078/slipway/repo"
)

const (
	// shownAfter is how long a download has to take until it is worth a bar, and
	// toldEvery how often it is told of where nobody watches.
	shownAfter = 500 * time.Millisecond
	toldEvery  = 10 * time.Second
)

// downloads reports downloads that take long: with bars on a terminal, else with a
// line now and then. Its methods are safe for concurrent use.
type downloads struct {
	app    *app
	screen *screen // nil where nobody watches

	mu    sync.Mutex
	list  []*download
	drawn time.Time
}

type download struct {
	repo.Progress
	since, told time.Time
}

func (a *app) newDownloads() *downloads {
	d := &downloads{app: a}
	if file, ok := a.env.Stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) && a.env.Getenv("TERM") != "dumb" {
		d.screen = newScreen(file)
	}
	return d
}

// watch is told how far a download is.
func (d *downloads) watch(p repo.Progress) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.app.env.Now()
	i := slices.IndexFunc(d.list, func(one *download) bool { return one.ID == p.ID })
	if p.Done {
		if i >= 0 {
			d.list = slices.Delete(d.list, i, i+1)
			d.draw(now)
		}
		return
	}
	if i < 0 {
		i = len(d.list)
		d.list = append(d.list, &download{since: now, told: now})
	}
	one := d.list[i]
	one.Progress = p
	switch {
	case d.screen != nil && now.Sub(d.drawn) >= redrawEvery:
		d.draw(now)
	case d.screen == nil && now.Sub(one.told) >= toldEvery:
		one.told = now
		d.app.warn("downloading " + one.text())
	}
}

// aside takes the bars away while something is printed.
func (d *downloads) aside(print func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.screen.erase()
	print()
	d.draw(d.app.env.Now())
}

// draw shows the bars of what takes long already.
func (d *downloads) draw(now time.Time) {
	var lines []string
	for _, one := range d.list {
		if now.Sub(one.since) >= shownAfter {
			lines = append(lines, one.bar()+" "+one.text())
		}
	}
	if len(lines) == 0 {
		d.screen.erase()
		return
	}
	d.drawn = now
	d.screen.draw(lines)
}

// bar is as long as it is, or empty if nobody knows how much there will be.
func (o *download) bar() string {
	const width = 20
	n := 0
	if o.Total > 0 {
		n = int(min(max(o.Got*width/o.Total, 0), width))
	}
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}

// text is the file, its host and how much of it is there.
func (o *download) text() string {
	name := o.URL
	if u, err := url.Parse(o.URL); err == nil {
		name = path.Base(u.Path) + " from " + u.Host
	}
	const mega = 1e6
	if o.Total > 0 {
		return fmt.Sprintf("%s: %.1f of %.1f MB", printable(name), float64(o.Got)/mega, float64(o.Total)/mega)
	}
	return fmt.Sprintf("%s: %.1f MB", printable(name), float64(o.Got)/mega)
}
