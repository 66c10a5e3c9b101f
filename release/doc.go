// Package release holds the records of releases in Helm's format.
package release
