package server

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/e6d26078/slipway/chart"
)

// tab is a page in headless Chromium. What the browser complains of, and asks other
// hosts for, is noted.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string
	hosts  map[string]bool
}

// openTab starts Debian's chromium. A missing one is an error with SLIPWAY_CHROMIUM=required.
func openTab(t *testing.T) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("SLIPWAY_CHROMIUM") == "required" {
			t.Fatal(err)
		}
		t.Skip("NO CHROMIUM: what pages are like in a browser is not tested")
	}
	limited, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // so that a browser that hangs is named
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewExecAllocator(limited,
		chromedp.ExecPath(program), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(2*time.Minute),
	)
	t.Cleanup(cancel)
	b := &tab{t: t, hosts: map[string]bool{}}
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(b.note))
	t.Cleanup(cancel)
	b.do(chromedp.Navigate("about:blank"))
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.hosts)
	return b
}

// note keeps what a page must not do.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" {
			b.hosts[u.Host] = true
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.faults = append(b.faults, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, "a page writes to the console")
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// get runs an action and gives what it returns.
func get[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// scheme makes the browser prefer dark or light pages.
func (b *tab) scheme(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) scripts(on bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on}); err != nil {
		b.t.Fatal(err)
	}
}

// picture writes a picture of the page into the folder SLIPWAY_SCREENSHOTS, for people.
func (b *tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("SLIPWAY_SCREENSHOTS")
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), get(b, chromedp.FullScreenshot(100)), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// check holds that nothing was complained of, and that only the server was asked.
func (b *tab) check(server string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.faults) > 0 {
		b.t.Errorf("the browser complains: %q", b.faults)
	}
	if wanted := strings.TrimPrefix(server, "http://"); len(b.hosts) != 1 || !b.hosts[wanted] {
		b.t.Errorf("hosts that were asked: %v, want %s alone", b.hosts, wanted)
	}
}

const shownReadme = "# Web\n\n![badge](https://badges.example.com/a.svg) [![linked](https://badges.example.com/b.svg)](https://example.com)\n\n" +
	"A server. See [values](#values) and [more](docs/more.md).\n\n## Values\n\n| Name | Default | Meaning |\n|---|:-:|---|\n| `image.tag` | `1.0` | what runs, and a long text so that the table is wide enough for a narrow window |\n\n" +
	"```yaml\nimage:\n  tag: \"1.0\"\n```\n\n> A quotation.\n\n<script>document.title = 'bad'</script><img src=x onerror=\"document.title='bad'\">\n"

// shownChart has everything that a page can show.
func shownChart(t testing.TB, name, version string) []byte {
	t.Helper()
	return archiveOf(t, &chart.Chart{
		Metadata: &chart.Metadata{
			APIVersion: "v2", Name: name, Version: version, AppVersion: "1.27.0", KubeVersion: ">=1.28.0", Description: "A web server with <b>everything</b> that a page can show",
			Home: "https://example.com/web", Sources: []string{"https://git.example.com/web"}, Keywords: []string{"http", "proxy"},
			Maintainers:  []*chart.Maintainer{{Name: "Ada", Email: "ada@example.com"}},
			Dependencies: []*chart.Dependency{{Name: "common", Version: "1.x.x", Repository: "https://charts.example.com", Condition: "common.enabled", Alias: "shared"}},
		},
		Raw: []*chart.File{
			{Name: "values.yaml", Data: []byte("# How many pods run.\nreplicas: 2\n\n# What runs in them.\nimage:\n  # Of the registry.\n  tag: \"1.0\"\n")},
			{Name: "README.md", Data: []byte(shownReadme)},
		},
		Files:  []*chart.File{{Name: "README.md", Data: []byte(shownReadme)}},
		Values: map[string]any{"replicas": 2},
	})
}

// contrasts lists the texts of a page with less contrast than WCAG 2.2 AA wants, by
// the colours that the browser has computed.
const contrasts = `(() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const poor = []; let seen = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement, text = n.textContent.trim();
    if (!text || e.closest("script, style") || !e.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05); seen++;
    if (ratio < 4.5) poor.push(ratio.toFixed(2) + " " + text.slice(0, 40));
  }
  for (const e of document.querySelectorAll("input, button")) {
    if (!e.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(e).borderTopColor)), light(behind(e.parentElement))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 3) poor.push("edge of " + e.outerHTML.slice(0, 60));
  }
  return seen < 5 ? ["only " + seen + " texts"] : poor;
})()`

func TestPagesInABrowser(t *testing.T) {
	b := openTab(t)
	keys, signed := trustedKey(t)
	base, _ := start(t, t.TempDir(), Options{Signatures: Signatures{Keyring: keys}})
	for _, version := range []string{"1.0.0", "1.1.0", "2.0.0-rc.1"} {
		web := shownChart(t, "web", version)
		body, kind := form(t, "chart", web, "prov", signed("web-"+version+".tgz", web))
		want(t, 201, "POST", base+"/api/charts", body, "Content-Type", kind)
	}
	want(t, 201, "POST", base+"/api/charts", archive(t, "other", "1.0.0"))
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for name, path := range map[string]string{"home": "/?q=web", "chart": "/charts/web"} {
			b.do(chromedp.Navigate(base + path))
			if poor := get(b, chromedp.Evaluate[[]string](contrasts)); len(poor) > 0 {
				t.Errorf("%s, %s: too little contrast: %q", path, scheme, poor)
			}
			b.checkNames(path)
			b.picture(name + "-" + scheme)
		}
		back := get(b, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
		if dark := back != "rgb(255, 255, 255)"; dark != (scheme == "dark") {
			t.Errorf("the page is %s if one prefers %s", back, scheme)
		}
	}
	b.testSearch(t, base)
	b.testCopy(t, base)
	b.testKeyboard(t, base)
	b.testNarrow(t, base)
	b.testWithoutScripts(t, base)
	b.check(base)
}

// checkNames holds that people who hear a page learn what everything is.
func (b *tab) checkNames(path string) {
	b.t.Helper()
	headings := 0
	for _, n := range b.tree() {
		role, name := spoken(n)
		if role == "heading" {
			headings++
		}
		if slices.Contains([]string{"link", "button", "searchbox", "textbox", "region", "navigation", "heading"}, role) && name == "" {
			b.t.Errorf("%s: a %s has no name", path, role)
		}
	}
	if headings == 0 {
		b.t.Errorf("%s has no heading", path)
	}
	jumps := get(b, chromedp.Evaluate[[]string](`(() => { let last = 0; const bad = []; for (const h of document.querySelectorAll("h1,h2,h3,h4,h5,h6")) { const n = +h.tagName[1]; if (n > last + 1) bad.push(h.textContent); last = n; } return bad; })()`))
	if len(jumps) > 0 {
		b.t.Errorf("%s: headings that leave out a level: %q", path, jumps)
	}
}

func (b *tab) testSearch(t *testing.T, base string) {
	b.do(chromedp.Navigate(base + "/"))
	if _, err := chromedp.RunResponse(b.ctx, chromedp.SendKeys(chromedp.ID("q"), "everything SERVER\r")); err != nil {
		t.Fatal(err)
	}
	found := get(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".charts .name")].map((e) => e.textContent)`))
	if !slices.Equal(found, []string{"web"}) || get(b, chromedp.Value(chromedp.ID("q"))) != "everything SERVER" {
		t.Errorf("found %q at %s", found, get(b, chromedp.Location()))
	}
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(".charts .name"))); err != nil {
		t.Fatal(err)
	}
	if title := get(b, chromedp.Title()); title != "web 1.1.0" {
		t.Errorf("the title is %q: the newest that is no pre-release has to be shown, and no script of a README may run", title)
	}
}

func (b *tab) testCopy(t *testing.T, base string) {
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: base,
		}); err != nil {
			t.Fatal(err)
		}
	}
	b.do(chromedp.Navigate(base+"/charts/web"), chromedp.Click(chromedp.CSS("button[data-copy=with-helm]")))
	if text := get(b, chromedp.Poll[string](`document.getElementById("status").textContent`)); text != "Copied to the clipboard." {
		t.Errorf("people are told %q", text)
	}
	copied := get(b, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	if wanted := "helm install web web --version 1.1.0 --repo " + base; copied != wanted {
		t.Errorf("copied %q, want %q", copied, wanted)
	}
}

// testKeyboard goes through a page with the tabulator key alone.
func (b *tab) testKeyboard(t *testing.T, base string) {
	const focus = `(() => { const e = document.activeElement, s = getComputedStyle(e); if (e === document.body) return "END"; return (e.ariaLabel || e.textContent.trim() || e.id) + (s.outlineStyle === "none" ? " UNSEEN" : ""); })()`
	b.do(chromedp.Navigate(base + "/"))
	var order []string
	for range 5 {
		b.do(chromedp.KeyEvent("\t"))
		order = append(order, get(b, chromedp.Evaluate[string](focus)))
	}
	if wanted := []string{"Skip to the content", "q", "Search", "other", "web"}; !slices.Equal(order, wanted) {
		t.Errorf("focus goes to %q, want %q", order, wanted)
	}
	b.do(chromedp.Navigate(base+"/charts/web"), chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
	if at := get(b, chromedp.Evaluate[string]("document.activeElement.id")); at != "content" {
		t.Errorf("the first link leads to %q", at)
	}
	order = nil
	for len(order) < 40 && !slices.Contains(order, "END") {
		b.do(chromedp.KeyEvent("\t"))
		order = append(order, get(b, chromedp.Evaluate[string](focus)))
	}
	text := strings.Join(order, "\n")
	for _, wanted := range []string{"With Helm", "Copy the command for Helm", "As a dependency in Chart.yaml", "web-1.1.0.tgz.prov", "Dependencies", "badge", "linked", "values.yaml", "Versions", "2.0.0-rc.1"} {
		if !strings.Contains("\n"+text+"\n", "\n"+wanted+"\n") {
			t.Errorf("the key does not lead to %q:\n%s", wanted, text)
		}
	}
	if strings.Contains(text, "UNSEEN") {
		t.Errorf("one does not see where the focus is:\n%s", text)
	}
}

func (b *tab) testNarrow(t *testing.T, base string) {
	b.do(chromedp.EmulateViewport(320, 640))
	for _, path := range []string{"/", "/charts/web"} {
		b.do(chromedp.Navigate(base + path))
		if wide := get(b, chromedp.Evaluate[int]("document.documentElement.scrollWidth")); wide > 320 {
			t.Errorf("%s is %d pixels wide in a window of 320", path, wide)
		}
		b.picture("narrow" + strings.ReplaceAll(path, "/", "-"))
	}
	b.do(chromedp.ResetViewport())
}

func (b *tab) testWithoutScripts(t *testing.T, base string) {
	b.scripts(false)
	defer b.scripts(true)
	b.do(chromedp.Navigate(base + "/charts/web?version=1.0.0"))
	var said []string // what a screen reader says
	for _, n := range b.tree() {
		if role, name := spoken(n); role == "StaticText" {
			said = append(said, name)
		} else if role == "button" {
			t.Errorf("the button %q does nothing", name)
		}
	}
	text := strings.Join(strings.Fields(strings.Join(said, " ")), " ")
	for _, wanted := range []string{
		"A web server with <b>everything</b> that a page can show", "helm install web web --version 1.0.0 --repo " + base, "verified signed by Release <release@example.com>",
		"common as shared", "# How many pods run.", "A quotation.", "2.0.0-rc.1",
	} {
		if !strings.Contains(text, wanted) {
			t.Errorf("the page has no %q:\n%s", wanted, text)
		}
	}
}

// tree is the page as it is told to screen readers.
func (b *tab) tree() []*accessibility.Node {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(tree.Nodes, func(n *accessibility.Node) bool { return n.Ignored || n.Role == nil })
}

// spoken is what a node is and how it is called.
func spoken(n *accessibility.Node) (role, name string) {
	_ = json.Unmarshal([]byte(n.Role.Value), &role)
	if n.Name != nil {
		_ = json.Unmarshal([]byte(n.Name.Value), &name)
	}
	return role, strings.TrimSpace(name)
}
