package link

import "time"

// ImportOptions are those of an import of charts, by the flags of `slipway repo import`.
type ImportOptions struct {
	From, To ImportPlace
	Depth    int   // names in front of a repository's paths, in both
	AnyDepth bool  // instead
	MaxFile  int64 // bytes of the largest archive
	DryRun   bool  // nothing is written
	Now      func() time.Time
}

// ImportPlace is a folder, or a bucket if it has one.
type ImportPlace struct {
	Name   string // as the user has given it
	Bucket ServeStorage
}

// ImportReport says what an import has done, or would do.
type ImportReport struct {
	Imported int       `json:"imported"` // archives
	Signed   int       `json:"signed"`   // .prov files that are in the target with their archives
	Present  int       `json:"present"`  // archives that were there before
	LeftOut  []LeftOut `json:"leftOut"`
	DryRun   bool      `json:"dryRun"`
}

// LeftOut is a file that was not imported.
type LeftOut struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}
