// Package chart loads, checks, packages and creates Helm charts.
//
//	c, err := chart.Load("./web")          // a folder or a .tgz
//	path, err := chart.SaveFile(c, "dist", chart.SaveOptions{})
//
// The charts are Helm's own type (helm.sh/helm/v3/pkg/chart.Chart), so what is
// loaded here may be handed to a program that uses Helm's SDK, and the other
// way round. Load gives what Helm's loader gives, for the same bytes: the same
// files, values, metadata and subcharts; only the order of the subcharts,
// random in Helm, is fixed: by the name of their entry in charts/.
//
// Load, LoadArchive, LoadDir, LoadFS and LoadFiles use the limits and rules of
// Helm. A Loader changes the limits and receives the warnings:
//
//	c, err := chart.Loader{Warn: log.Print}.Load(path)
//
// Archives come from strangers. An archive with a path or a link that leaves
// the chart, with a device, with two files of one name, or which unpacks to
// more than the limits is refused with an error that wraps ErrUnsafe or
// ErrTooLarge; loading never writes to disk.
//
// Save writes a package whose bytes depend on nothing but the chart, Expand
// unpacks one, and Create writes a new chart to start from.
//
// Loaded charts share the memory of the archive's text. They may be read from
// several goroutines; who changes one must be alone with it.
package chart
