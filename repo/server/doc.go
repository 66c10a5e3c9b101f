// Package server is a chart repository over HTTP: a drop-in for ChartMuseum's
// routes and credentials.
//
//	folder, err := server.OpenFolder("charts", time.Now)
//	s, err := server.New(ctx, folder, server.Options{Now: time.Now})
//	err = s.Serve(ctx, listener)
//
// An upload that was answered with 201 is on the disk, complete, and in the
// index. Of a chart and its .prov file both are there or none. A version is
// never replaced unless the options allow it.
//
// docs/design/0006-server.md says how it is meant.
package server
