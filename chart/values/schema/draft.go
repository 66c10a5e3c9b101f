package schema

import (
	"embed"
	gourl "net/url"
	"sort"
	"strconv"
	"strings"
)

//go:embed meta
var metaFiles embed.FS

// draft is one version of the specification.
type draft struct {
	version       int
	url           string   // of the metaschema
	id            string   // the keyword that names a schema
	vocabPrefix   string   // what the URLs of the draft's vocabularies start with
	vocabs        []string // all vocabularies
	defaultVocabs []string // those in force when nothing is said
}

var (
	draft4 = &draft{version: 4, url: "http://json-schema.org/draft-04/schema", id: "id"}
	draft6 = &draft{version: 6, url: "http://json-schema.org/draft-06/schema", id: "$id"}
	draft7 = &draft{version: 7, url: "http://json-schema.org/draft-07/schema", id: "$id"}

	draft2019 = &draft{
		version: 2019, url: "https://json-schema.org/draft/2019-09/schema", id: "$id",
		vocabPrefix:   "https://json-schema.org/draft/2019-09/vocab/",
		vocabs:        []string{"core", "applicator", "validation", "meta-data", "format", "content"},
		defaultVocabs: []string{"core", "applicator", "validation"},
	}

	draft2020 = &draft{
		version: 2020, url: "https://json-schema.org/draft/2020-12/schema", id: "$id",
		vocabPrefix: "https://json-schema.org/draft/2020-12/vocab/",
		vocabs: []string{"core", "applicator", "unevaluated", "validation", "meta-data",
			"format-annotation", "format-assertion", "content"},
		defaultVocabs: []string{"core", "applicator", "unevaluated", "validation"},
	}
)

// draftOf is the draft whose metaschema has the given URL, nil if it is none.
func draftOf(url string) *draft {
	u, fragment := cutFragment(url)
	if fragment != "" {
		return nil
	}
	rest, ok := strings.CutPrefix(u, "http://")
	if !ok {
		rest, _ = strings.CutPrefix(u, "https://")
	}
	switch rest {
	case "json-schema.org/schema", "json-schema.org/draft/2020-12/schema":
		return draft2020
	case "json-schema.org/draft/2019-09/schema":
		return draft2019
	case "json-schema.org/draft-07/schema":
		return draft7
	case "json-schema.org/draft-06/schema":
		return draft6
	case "json-schema.org/draft-04/schema":
		return draft4
	}
	return nil
}

// idOf is the id that an object gives itself, without fragment.
func (d *draft) idOf(n *node) string {
	if d.version < 2019 && n.get("$ref") != nil {
		return "" // what stands beside a $ref does not count
	}
	id, _ := n.str(d.id)
	id, _ = cutFragment(id)
	return id
}

// dialect is a draft with the vocabularies in force.
type dialect struct {
	draft  *draft
	vocabs []string // sorted; nil means the draft's defaults
}

func (d dialect) has(vocab string) bool {
	if vocab == "core" || d.draft.version < 2019 {
		return true
	}
	if d.vocabs != nil {
		return contains(d.vocabs, vocab)
	}
	return contains(d.draft.defaultVocabs, vocab)
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// metaFile is the text of a built-in metaschema; nil for any other URL.
func metaFile(url string) []byte {
	rest, ok := strings.CutPrefix(url, "http://json-schema.org/")
	if !ok {
		if rest, ok = strings.CutPrefix(url, "https://json-schema.org/"); !ok {
			return nil
		}
	}
	switch {
	case rest == "schema":
		rest = "2020-12/schema"
	case rest == "draft-04/schema", rest == "draft-06/schema", rest == "draft-07/schema":
		rest = strings.TrimSuffix(rest, "/schema")
	case strings.HasPrefix(rest, "draft/"):
		rest = rest[len("draft/"):]
	default:
		return nil
	}
	data, err := metaFiles.ReadFile("meta/" + strings.ReplaceAll(rest, "/", "_") + ".json")
	if err != nil {
		return nil
	}
	return data
}

// draftFor finds the draft of the object n, following the "$schema" of custom
// metaschemas; place is where n stands, for messages.
func (c *compiler) draftFor(n *node, url string, place func() string, isRoot bool, fallback *draft, seen []string) (*draft, error) {
	name, ok := n.str("$schema")
	if !ok {
		return fallback, nil
	}
	if d := draftOf(name); d != nil {
		return d, nil
	}
	name, _ = cutFragment(name)
	if _, err := gourl.Parse(name); err != nil {
		return nil, &wrappedError{"invalid $schema in " + strconv.Quote(place()) + ": ", err}
	}
	if isRoot && name == url {
		return nil, textError("draft " + strconv.Quote(name) + " is not supported")
	}
	if contains(seen, name) {
		return nil, textError("cycle in resolving $schema in " + strconv.Quote(name))
	}
	doc, err := c.load(name)
	if err != nil {
		return nil, err
	}
	at := func() string { return locationOf(name, "") }
	return c.draftFor(doc.root, name, at, true, fallback, append(seen, name))
}

// vocabsFor lists the vocabularies that the metaschema named by the object n
// requires; nil if it leaves them to the draft.
func (c *compiler) vocabsFor(n *node, d *draft) ([]string, error) {
	name, _ := n.str("$schema")
	if draftOf(name) != nil {
		return nil, nil
	}
	name, _ = cutFragment(name)
	doc, err := c.load(name)
	if err != nil {
		return nil, err
	}
	if d.version < 2019 {
		return nil, nil
	}
	list := doc.root.get("$vocabulary")
	if list == nil || list.kind != kindObject {
		return nil, nil
	}
	vocabs := []string{"core"}
	for i := range list.kids {
		if list.kids[i].node.kind != kindTrue {
			continue
		}
		vocab, ok := strings.CutPrefix(list.kids[i].name, d.vocabPrefix)
		if !ok || !contains(d.vocabs, vocab) {
			return nil, textError("unsupported vocabulary " + strconv.Quote(list.kids[i].name) + " in " + strconv.Quote(name))
		}
		if vocab != "core" {
			vocabs = append(vocabs, vocab)
		}
	}
	sort.Strings(vocabs)
	return vocabs, nil
}
