// Package oci pushes charts to OCI registries and pulls them, as Helm does: the
// same media types, annotations, tags and files with credentials.
//
//	ref, err := oci.Parse("oci://registry.example.com/charts/web")
//	c := oci.New(oci.Options{Credentials: credentials})
//	pulled, err := c.Pull(ctx, ref, oci.PullOptions{Version: "^1.2"})
//	path, err := pulled.Save(".")
//
// What a registry says is not believed: sizes are limited, and nothing is
// handed out or written before its digest is verified. Credentials are sent to
// the host that they are for, and to the token server that it names.
package oci
