// Package release holds the records of releases in Helm's format.
//
// A [Record] is one revision of a release. [Decode] reads what Helm 3 or
// Helm 4 stored, [Record.Encode] writes what either of them reads; what the
// record holds beyond that, such as fields of later versions of Helm, is kept.
//
//	r, err := release.Decode(secret.Data["release"])
//	...
//	r.Info.Status = release.StatusSuperseded
//	data, err := r.Encode()
//
// Records are kept by stores: [Memory] here, those of a cluster in package
// cluster and one for PostgreSQL in package sqlstore. What they write beside
// the record, the labels and annotations of a Secret, is made by [Record.Meta]
// and read by [ReadMeta], so that every store follows the same rules and a
// listing has no need to read records.
package release
