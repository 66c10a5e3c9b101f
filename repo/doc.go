// Package repo reads, makes and fetches from chart repositories as Helm does.
//
//	x, err := repo.LoadIndex("index.yaml")         // all of an index
//	c, err := repo.OpenCatalog("index.yaml", o)    // single charts of a large one
//	v, err := c.Get("web", "^1.2")
//
// An index comes from strangers. Its size, the depth of what is in it and the
// length of names are limited, and names that are no file names are left out.
package repo
