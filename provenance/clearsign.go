package provenance

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	maxProv       = 6 << 20 // Helm's limit on Chart.yaml is 5 MiB
	maxSignatures = 16

	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
)

// message is a cleartext signature whose form was checked, and nothing else.
type message struct {
	lines      []string // the signed text, without line ends, escapes and trailing blanks
	firstLine  int      // the number of the first of them in the file
	hashes     []string // named by the header
	signatures []*packet.Signature
}

// text is the signed text with a line feed between its lines.
func (m *message) text() string { return strings.Join(m.lines, "\n") }

// canonical is the text as it is hashed.
func (m *message) canonical() []byte { return []byte(strings.Join(m.lines, "\r\n")) }

// proofReader goes through the lines of a .prov file.
type proofReader struct {
	lines []string
	next  int
}

func (r *proofReader) line() (string, bool) {
	if r.next >= len(r.lines) {
		return "", false
	}
	r.next++
	return r.lines[r.next-1], true
}

// fault is about the line read last.
func (r *proofReader) fault(format string, args ...any) error {
	return &FormatError{Line: r.next, Problem: fmt.Sprintf(format, args...)}
}

// parseMessage reads a .prov file. It accepts less than OpenPGP allows: what
// implementations read in different ways is refused.
func parseMessage(prov []byte) (*message, error) {
	if len(prov) > maxProv {
		return nil, &FormatError{Problem: fmt.Sprintf("is larger than %d bytes", maxProv)}
	}
	lines, err := splitLines(prov)
	if err != nil {
		return nil, err
	}
	r := &proofReader{lines: lines}
	if first, _ := r.line(); first != beginMessage {
		r.next = 1
		if slices.Contains(lines, beginMessage) {
			return nil, r.fault("text before the signed message")
		}
		return nil, r.fault("signature block not found: the file has to begin with %s", beginMessage)
	}
	m := &message{}
	for _, step := range []func(*proofReader) error{m.readHeaders, m.readText, m.readSignatures} {
		if err := step(r); err != nil {
			return nil, err
		}
	}
	for {
		switch line, ok := r.line(); {
		case !ok:
			return m, nil
		case line == beginMessage:
			return nil, r.fault("a second signed message")
		case line != "":
			return nil, r.fault("text after the signature")
		}
	}
}

// splitLines takes LF and CRLF for line ends, and refuses what terminals and
// parsers may take for more than text.
func splitLines(prov []byte) ([]string, error) {
	lines := strings.Split(string(prov), "\n")
	for i, line := range lines {
		if i < len(lines)-1 {
			line = strings.TrimSuffix(line, "\r")
		}
		lines[i] = line
		if !utf8.ValidString(line) {
			return nil, &FormatError{Line: i + 1, Problem: "is not UTF-8"}
		}
		if at := strings.IndexFunc(line, isControl); at >= 0 {
			c, _ := utf8.DecodeRuneInString(line[at:])
			return nil, &FormatError{Line: i + 1, Problem: fmt.Sprintf("has the control character %U", c)}
		}
	}
	return lines, nil
}

// isControl tells characters that a .prov file has no need of: YAML writes them
// as escapes or spaces.
func isControl(c rune) bool {
	const delete, lastOfC1, byteOrderMark = 0x7f, 0x9f, 0xfeff
	return c < ' ' && c != '\t' || c >= delete && c <= lastOfC1 || c == byteOrderMark
}

// readHeaders reads up to the empty line.
func (m *message) readHeaders(r *proofReader) error {
	for {
		line, ok := r.line()
		if !ok {
			return r.fault("ends in the header")
		}
		if line == "" {
			return nil
		}
		value, ok := strings.CutPrefix(line, "Hash: ")
		if !ok {
			return r.fault("the header %q is not allowed, only Hash is, and an empty line after it", clip(line))
		}
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); !slices.Contains(knownHashes(), name) {
				return r.fault("the hash %q is not known", clip(name))
			}
			m.hashes = append(m.hashes, name)
		}
	}
}

// readText reads the signed text up to the line that begins the signature.
func (m *message) readText(r *proofReader) error {
	m.firstLine = r.next + 1
	for {
		line, ok := r.line()
		if !ok {
			return r.fault("ends before the signature")
		}
		if line == beginSignature {
			if len(m.lines) == 0 {
				return r.fault("nothing is signed")
			}
			return nil
		}
		if escaped, ok := strings.CutPrefix(line, "- "); ok {
			line = escaped
		} else if strings.HasPrefix(line, "-") {
			return r.fault("a line of the signed text begins with a dash that is not escaped")
		}
		m.lines = append(m.lines, strings.TrimRight(line, " \t"))
	}
}

// readSignatures reads the armor and the packets in it.
func (m *message) readSignatures(r *proofReader) error {
	begin := r.next
	var encoded strings.Builder
	inHeader := true
	for {
		line, ok := r.line()
		switch {
		case !ok:
			return r.fault("ends in the signature")
		case line == endSignature:
			return m.readPackets(encoded.String(), begin)
		case inHeader && line == "":
			inHeader = false
		case inHeader:
			if !strings.HasPrefix(line, "Version: ") && !strings.HasPrefix(line, "Comment: ") {
				return r.fault("the signature's header %q is not allowed", clip(line))
			}
		case len(line) == 5 && line[0] == '=': // the checksum, which nobody has to check
			if next, _ := r.line(); next != endSignature {
				return r.fault("%s has to follow the checksum", endSignature)
			}
			r.next--
		default:
			encoded.WriteString(line)
		}
	}
}

func (m *message) readPackets(encoded string, line int) error {
	data, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return &FormatError{Line: line, Problem: fmt.Sprintf("the signature is not base64: %v", err)}
	}
	packets := packet.NewOpaqueReader(bytes.NewReader(data))
	for {
		raw, err := packets.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &FormatError{Line: line, Problem: fmt.Sprintf("the signature cannot be read: %v", err)}
		}
		parsed, err := parsePacket(raw)
		signature, ok := parsed.(*packet.Signature)
		switch {
		case err != nil:
			return &FormatError{Line: line, Problem: fmt.Sprintf("the signature cannot be read: %v", err)}
		case !ok:
			return &FormatError{Line: line, Problem: fmt.Sprintf("a packet of type %d among the signatures", raw.Tag)}
		case signature.SigType != packet.SigTypeText:
			return &FormatError{Line: line, Problem: fmt.Sprintf("a signature of type %#x instead of one of a text", int(signature.SigType))}
		case signature.IssuerKeyId == nil:
			return &FormatError{Line: line, Problem: "a signature that does not say who made it"}
		case !m.namesHash(signature):
			return &FormatError{Line: line, Problem: fmt.Sprintf("the header Hash does not name %v, which was used", signature.Hash)}
		case len(m.signatures) == maxSignatures:
			return &FormatError{Line: line, Problem: fmt.Sprintf("more than %d signatures", maxSignatures)}
		}
		m.signatures = append(m.signatures, signature)
	}
	if len(m.signatures) == 0 {
		return &FormatError{Line: line, Problem: "the signature is empty"}
	}
	return nil
}

// parsePacket reads a packet. The OpenPGP library panics on some that are
// damaged; keys and signatures come from strangers.
func parsePacket(raw *packet.OpaquePacket) (parsed packet.Packet, err error) {
	err = guard(func() error {
		parsed, err = raw.Parse()
		return err
	})
	return parsed, err
}

// guard calls a function of the OpenPGP library and takes a panic of it for an error.
func guard(call func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("it is damaged: %v", fault)
		}
	}()
	return call()
}

// namesHash reports whether the header names the hash of a signature. Those of
// version 6 need no header; that a hash is weak is found with its key.
func (m *message) namesHash(signature *packet.Signature) bool {
	if hashName(signature.Hash) == "" {
		return true
	}
	if len(m.hashes) == 0 {
		return signature.Version >= 6
	}
	return slices.Contains(m.hashes, hashName(signature.Hash))
}

// hashName is the name of a hash in OpenPGP, empty for one that does not count
// as safe.
func hashName(hash crypto.Hash) string {
	switch hash {
	case crypto.SHA256:
		return "SHA256"
	case crypto.SHA384:
		return "SHA384"
	case crypto.SHA512:
		return "SHA512"
	case crypto.SHA3_256:
		return "SHA3-256"
	case crypto.SHA3_512:
		return "SHA3-512"
	}
	return ""
}

// knownHashes are the names that a header may have; more than the safe ones,
// so that an error can say that a hash is weak.
func knownHashes() []string {
	return []string{"MD5", "SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"}
}

// clip shortens a text for messages.
func clip(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
