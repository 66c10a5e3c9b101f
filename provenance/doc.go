// Package provenance signs packaged charts and verifies their signatures, in
// the .prov files of Helm.
//
//	keys, err := provenance.ReadKeyring(file)
//	signer, err := keys.Signer("release@example.com", now)
//	prov, err := provenance.Sign(ctx, "web-1.2.3.tgz", archive, signer)
//
//	v, err := provenance.Verify(ctx, "web-1.2.3.tgz", archive, prov, keys, provenance.Policy{})
//
// Verify finds that the .prov file is one cleartext signature and nothing
// else, that a key of the keyring which was valid at the time made it, and
// that the archive has the signed name, digest and metadata. Errors are of the
// types *FormatError, *KeyError, *SignatureError, *DigestError and
// *MetadataError, or about the archive.
//
// The package starts no process, reads no file, and knows neither the time nor
// the environment. Functions and methods may be used from several goroutines
// at a time, but for [KeySigner.Unlock].
package provenance
