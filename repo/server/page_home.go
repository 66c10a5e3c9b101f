package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/e6d26078/slipway/repo"
)

// maxShown is how many charts one page has.
const maxShown = 100

type homePage struct {
	Title, Base, Query string
	Address            string
	Charts             []homeChart
	Found, All         int
	First, Last        int    // of those found, counted from 1
	Previous, Next     string // addresses, "" for none
	Several            bool   // the server has several repositories, and this page is none of them
	Repositories       []string
}

type homeChart struct {
	*repo.Version
	Signature signature
}

// getHome lists the charts of a repository, or those that a search finds.
func (s *Server) getHome(w *recorder, r *http.Request, rt route) {
	page := homePage{Title: "Charts", Base: s.basePath(rt.tenant), Address: s.address(r, rt.tenant), Query: r.URL.Query().Get("q")}
	if rt.tenant == "" && s.o.Depth != 0 {
		page.Title, page.Several, page.Repositories = "Chart repositories", true, s.repositoryNames(r)
	}
	if rt.tenant == "" && s.o.Depth > 0 {
		s.render(w, s.pages.home, page)
		return
	}
	if rt.tenant != "" {
		page.Title = "Charts of " + rt.tenant
	}
	t := s.freshTenant(w, r, rt.tenant)
	if t == nil {
		return
	}
	blocks := t.list()
	if page.Several && len(blocks) > 0 { // at any depth
		page.Title, page.Several = "Charts", false
	}
	found := search(blocks, strings.Fields(strings.ToLower(page.Query)))
	page.All, page.Found = len(blocks), len(found)
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	number = max(1, min(number, (len(found)+maxShown-1)/maxShown))
	first := (number - 1) * maxShown
	found = found[first:min(first+maxShown, len(found))]
	page.First, page.Last = first+1, first+len(found)
	link := func(number int) string {
		return page.Base + "?" + url.Values{"q": {page.Query}, "page": {strconv.Itoa(number)}}.Encode()
	}
	if number > 1 {
		page.Previous = link(number - 1)
	}
	if page.Last < page.Found {
		page.Next = link(number + 1)
	}
	for _, e := range found {
		if versions, err := decode(e.name, e); err == nil && len(versions) == 1 {
			sig, _ := s.signatures.known(e, s.o.Signatures.Keyring != nil)
			page.Charts = append(page.Charts, homeChart{versions[0], sig})
		}
	}
	s.render(w, s.pages.home, page)
}

// search finds the charts whose latest version has all words: those with the words
// in the name come first, and the one that is called so before them.
func search(blocks []*block, words []string) []*entry {
	var called, named, others []*entry
	for _, b := range blocks {
		newest := b.latest()
		name := strings.ToLower(newest.name)
		switch {
		case len(words) == 1 && name == words[0]:
			called = append(called, newest)
		case containsAll(name, words):
			named = append(named, newest)
		case containsAll(name+"\n"+strings.ToLower(string(newest.text)), words):
			others = append(others, newest)
		}
	}
	return append(append(called, named...), others...)
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// latest is the newest version that is no pre-release, or if there are no others, the newest.
func (b *block) latest() *entry {
	for _, e := range b.entries {
		if e.order.Prerelease() == "" {
			return e
		}
	}
	return b.entries[0]
}
