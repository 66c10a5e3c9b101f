package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/e6d26078/slipway/provenance"
)

// Signatures says which .prov files count. The zero value takes every one that is
// about its archive, whoever signed it.
type Signatures struct {
	// Keyring has the keys that count; nil for no verification.
	Keyring *provenance.Keyring
	// Policy says which of their signatures count. Its Now is set by the server.
	Policy provenance.Policy
	// Required leaves out of the index what has no signature that counts, and
	// refuses uploads without one. It needs a Keyring.
	Required bool
}

func (o Signatures) check() error {
	if o.Keyring == nil && (o.Required || o.Policy.Current || len(o.Policy.Fingerprints) > 0) {
		return errors.New("signatures cannot be verified without a keyring; give one")
	}
	return o.Policy.Check()
}

// The states of a signature.
const (
	signatureNone      = "none"      // there is no .prov file
	signatureUnchecked = "unchecked" // there is one, and the server has no keyring
	signatureVerified  = "verified"
	signatureRefused   = "refused" // there is one that does not count
)

// signature is what is known of an entry's .prov file.
type signature struct {
	State       string     `json:"state"`
	SignedBy    []string   `json:"signedBy,omitempty"`
	Fingerprint string     `json:"fingerprint,omitempty"`
	SignedAt    *time.Time `json:"signedAt,omitempty"`
	Reason      string     `json:"reason,omitempty"` // why it does not count
}

// errUnsigned says that a chart is not signed as is required.
var errUnsigned = errors.New("not signed as required")

// checkSignature finds that a .prov file, which may be missing, is about an
// archive, and that it counts as far as the options want that.
func (s *Server) checkSignature(ctx context.Context, file string, archive, prov []byte) (signature, error) {
	if len(prov) == 0 {
		if s.o.Signatures.Required {
			return signature{State: signatureNone}, fmt.Errorf("%w: there is no .prov file with it; upload both as the files chart and prov of a form", errUnsigned)
		}
		return signature{State: signatureNone}, nil
	}
	if s.o.Signatures.Keyring == nil {
		return signature{State: signatureUnchecked}, checkProv(file, archive, prov)
	}
	policy := s.o.Signatures.Policy
	policy.Now = s.o.Now()
	v, err := provenance.Verify(ctx, file, archive, prov, s.o.Signatures.Keyring, policy)
	if err == nil {
		at := v.SignedAt.UTC()
		return signature{State: signatureVerified, SignedBy: v.SignedBy, Fingerprint: v.Fingerprint, SignedAt: &at}, nil
	}
	refused := signature{State: signatureRefused, Reason: err.Error()}
	if errors.As(err, new(*provenance.KeyError)) || errors.As(err, new(*provenance.SignatureError)) {
		return refused, fmt.Errorf("%w: %w", errUnsigned, err)
	}
	return refused, badInput("the .prov file: %w", err)
}

// signatures remembers what was found of .prov files.
type signatures struct {
	mu   sync.Mutex
	seen map[signatureKey]signature
}

// signatureKey names an archive and its .prov file as they are at a time.
type signatureKey struct{ key, archive, prov string }

// maxSignatures bounds what is remembered. If there are more, all start anew.
const maxSignatures = 200_000

func keyOf(e *entry) signatureKey {
	return signatureKey{e.object.Key, e.object.Version, e.prov.Version}
}

// known gives what was found of an entry's signature before, or else what needs no reading.
func (k *signatures) known(e *entry, keyring bool) (sig signature, complete bool) {
	if e.prov.Key == "" {
		return signature{State: signatureNone}, true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if sig, found := k.seen[keyOf(e)]; found {
		return sig, true
	}
	return signature{State: signatureUnchecked}, !keyring
}

func (k *signatures) note(e *entry, sig signature) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == nil || len(k.seen) >= maxSignatures {
		k.seen = map[signatureKey]signature{}
	}
	k.seen[keyOf(e)] = sig
}

// noteSignature remembers what was found of an upload's signature.
func (s *Server) noteSignature(t *tenant, file, digest string, sig signature) {
	if e := t.find(file); e != nil && e.digest == digest && e.prov.Key != "" {
		s.signatures.note(e, sig)
	}
}

// signatureOf tells of the signature of an entry, and reads the archive if nothing
// is known yet.
func (s *Server) signatureOf(ctx context.Context, t *tenant, e *entry) (signature, error) {
	sig, complete := s.signatures.known(e, s.o.Signatures.Keyring != nil)
	if complete {
		return sig, nil
	}
	archive, err := s.readStored(ctx, t, e, false)
	if err != nil {
		return signature{}, err
	}
	prov, err := s.readStored(ctx, t, e, true)
	if err != nil {
		return signature{}, err
	}
	sig, err = s.checkSignature(ctx, e.file, archive, prov)
	if ctx.Err() != nil {
		return signature{}, context.Cause(ctx)
	}
	if err != nil {
		s.log.Info("a signature does not count", "file", e.object.Key, "reason", err.Error())
	}
	s.signatures.note(e, sig)
	return sig, nil
}

// admit says why an archive that others have put into the storage stays out of the
// index, nil if it does not.
func (s *Server) admit(ctx context.Context, t *tenant, e *entry) error {
	if !s.o.Signatures.Required {
		return nil
	}
	sig, err := s.signatureOf(ctx, t, e)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &inputError{err} // it was deleted meanwhile
	case err != nil:
		return err
	case sig.State == signatureVerified:
		return nil
	case sig.Reason != "":
		return badInput("%w: %s", errUnsigned, sig.Reason)
	}
	return badInput("%w: there is no .prov file beside it", errUnsigned)
}

// readStored reads the archive of an entry, or its .prov file.
func (s *Server) readStored(ctx context.Context, t *tenant, e *entry, prov bool) ([]byte, error) {
	content, opened, err := s.changes.open(ctx, t, e, prov)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	limit := max(s.o.MaxUpload, DefaultMaxUpload)
	if prov {
		limit = maxProv
	}
	if opened.Size > limit {
		return nil, badInput("%s is larger than %d bytes", opened.Key, limit)
	}
	data, err := io.ReadAll(io.LimitReader(content, limit))
	if err == nil && !prov && digestOf(data) != e.digest {
		err = badInput("%s was changed", opened.Key)
	}
	return data, err
}
