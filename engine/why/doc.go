// Package why finds out what wrote a field of a rendered object: the template
// line and the includes that led to it, and what its value depends on.
//
// Where the text comes from is known exactly: the machine that runs the
// templates remembers it. What it depends on is found by experiment: each value
// that was read for the file is changed in turn, the file is rendered again, and
// the fields are compared. What was not read cannot matter, so the list of what
// is tried is complete, up to the limits and up to changes that no trial makes:
// a number that matters only above 1000 may be missed.
package why
