package server

import (
	"bytes"
	"html/template"
	"net/url"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdown renders a README as HTML that is safe to show within a page: its
// headings are below those of the page, pictures are links, since pages load
// nothing, and HTML in it is left out.
func markdown(source []byte) template.HTML {
	converter := goldmark.New(
		goldmark.WithExtensions(
			extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Strikethrough, extension.Linkify,
		),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(withinPage{}, 1000))),
		goldmark.WithRendererOptions(html.WithXHTML()),
	)
	var out bytes.Buffer
	if converter.Convert(source, &out) != nil {
		return ""
	}
	policy := bluemonday.UGCPolicy()
	policy.RequireNoReferrerOnLinks(true)
	return template.HTML(policy.SanitizeBytes(out.Bytes()))
}

// withinPage makes a document fit into a page.
type withinPage struct{}

const (
	headingsBelow = 2         // levels of headings that the page has itself
	anchorPrefix  = "readme-" // of ids, so that they are no others of the page
)

// Transform changes a document.
func (withinPage) Transform(document *ast.Document, _ text.Reader, _ parser.Context) {
	var images []*ast.Image
	var dead []*ast.Link
	_ = ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(6, n.Level+headingsBelow)
			if id, ok := n.AttributeString("id"); ok {
				if id, ok := id.([]byte); ok {
					n.SetAttributeString("id", []byte(anchorPrefix+string(id)))
				}
			}
		case *ast.Image:
			images = append(images, n)
		case *ast.Link:
			destination, live := linkWithin(string(n.Destination))
			if n.Destination = []byte(destination); !live {
				dead = append(dead, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, image := range images {
		destination, live := linkWithin(string(image.Destination))
		if _, inLink := image.Parent().(*ast.Link); inLink || !live {
			unwrap(image)
			continue
		}
		link := ast.NewLink()
		link.Destination = []byte(destination)
		adopt(link, image)
		if !link.HasChildren() {
			link.AppendChild(link, ast.NewString([]byte("picture")))
		}
		image.Parent().ReplaceChild(image.Parent(), image, link)
	}
	for _, link := range dead {
		unwrap(link)
	}
}

// linkWithin gives the address of a link of a README, and whether it leads
// anywhere: what is relative does so where the README comes from, not here.
func linkWithin(destination string) (string, bool) {
	u, err := url.Parse(destination)
	switch {
	case err != nil:
		return "", false
	case u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "mailto":
		return destination, true
	case u.Scheme == "" && u.Host == "" && u.Path == "" && u.Fragment != "":
		return "#" + anchorPrefix + u.Fragment, true
	}
	return "", false
}

// adopt moves the children of a node into another.
func adopt(to, from ast.Node) {
	for child := from.FirstChild(); child != nil; child = from.FirstChild() {
		to.AppendChild(to, child)
	}
}

// unwrap puts a node's children into its place.
func unwrap(n ast.Node) {
	parent := n.Parent()
	for child := n.FirstChild(); child != nil; child = n.FirstChild() {
		parent.InsertBefore(parent, n, child)
	}
	parent.RemoveChild(parent, n)
}
