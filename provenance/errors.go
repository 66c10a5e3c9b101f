package provenance

import (
	"fmt"
	"strings"
	"time"
)

// Reason says why a key does not count.
type Reason string

// The reasons.
const (
	Unknown     Reason = "unknown"   // the keyring has no such key
	Expired     Reason = "expired"   // the key had expired when it signed, or has by now if that matters
	Revoked     Reason = "revoked"   // the key was revoked
	NotYetValid Reason = "notYet"    // the signature is older than the key, or from the future
	Forbidden   Reason = "forbidden" // the key may not sign, is too weak, or is not among those allowed
)

// KeyError says why the key that made, or should make, a signature does not count.
type KeyError struct {
	// Fingerprint is that of the key, or if only that is known its key id, in
	// upper case hexadecimal digits. It may be that of a subkey.
	Fingerprint string
	// Name is the user id of the key, empty if it is unknown.
	Name   string
	Reason Reason
	// At is the time that matters: of expiry, revocation or creation. It may be zero.
	At time.Time
	// Detail says more, in words. It may be empty.
	Detail string
}

func (e *KeyError) Error() string {
	key := "key " + e.Fingerprint
	if e.Name != "" {
		key += fmt.Sprintf(" of %q", e.Name)
	}
	text := key
	switch e.Reason {
	case Unknown:
		text = "signature made by unknown " + key
	case Expired:
		text += " has expired"
	case Revoked:
		text += " is revoked"
	case NotYetValid:
		text += " was not valid yet"
	case Forbidden:
		text += " is not accepted"
	}
	if !e.At.IsZero() {
		text += " (" + e.At.UTC().Format(time.RFC3339) + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// SignatureError says that a signature of a known key does not hold.
type SignatureError struct {
	Fingerprint string // of the key that is said to have made it
	Problem     string
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("signature of key %s: %s", e.Fingerprint, e.Problem)
}

// FormatError says where a .prov file is not what it has to be.
type FormatError struct {
	Line    int // in the .prov file, from 1; 0 if the whole is meant
	Problem string
}

func (e *FormatError) Error() string {
	if e.Line == 0 {
		return "provenance file: " + e.Problem
	}
	return fmt.Sprintf("provenance file, line %d: %s", e.Line, e.Problem)
}

// DigestError says that an archive is not the one that was signed.
type DigestError struct {
	File   string
	Signed string // sha256:HEX as signed; empty if nothing was signed for a file of this name
	Actual string // sha256:HEX of the archive
}

func (e *DigestError) Error() string {
	if e.Signed == "" {
		return fmt.Sprintf("provenance does not contain a SHA for a file named %q", e.File)
	}
	return fmt.Sprintf("sha256 sum does not match for %s: %q != %q", e.File, e.Signed, e.Actual)
}

// MetadataError says that the signed metadata are not those of the archive.
type MetadataError struct {
	Field   string // of Chart.yaml, such as "version"
	Signed  string // its signed value as JSON, shortened; empty if it was not signed
	Archive string // its value in the archive
}

func (e *MetadataError) Error() string {
	show := func(value string) string {
		if value == "" {
			return "nothing"
		}
		return value
	}
	return fmt.Sprintf("the signed metadata are not those of the archive: %s is %s, signed is %s", e.Field, show(e.Archive), show(e.Signed))
}

// Candidate is a key that a name may mean.
type Candidate struct {
	Fingerprint string
	Names       []string // user ids
	Err         error    // why it cannot sign, nil if it can
}

// SelectionError says that a name does not mean exactly one key that can sign.
type SelectionError struct {
	Name       string
	Candidates []Candidate // empty if no key has the name
	Problem    string
}

func (e *SelectionError) Error() string {
	var out strings.Builder
	out.WriteString(e.Problem)
	for _, c := range e.Candidates {
		fmt.Fprintf(&out, "\n  %s %s", c.Fingerprint, strings.Join(c.Names, ", "))
		if c.Err != nil {
			fmt.Fprintf(&out, " (%v)", c.Err)
		}
	}
	return out.String()
}

// Unwrap gives why the candidates cannot sign.
func (e *SelectionError) Unwrap() []error {
	var errs []error
	for _, c := range e.Candidates {
		if c.Err != nil {
			errs = append(errs, c.Err)
		}
	}
	return errs
}
