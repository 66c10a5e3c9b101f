package provenance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/e6d26078/slipway/provenance"
)

const plainName = "plain-1.2.3.tgz"

// TestWhatIsNotOneCleartextSignatureIsRefused changes a good file in ways that
// parsers of OpenPGP disagree on, or that show a reader what nobody has signed.
func TestWhatIsNotOneCleartextSignatureIsRefused(t *testing.T) {
	public, secret := newKey(t, "Release", "release@example.com")
	archive := packaged(t, "plain")
	good, err := provenance.Sign(context.Background(), plainName, archive, signerOf(t, secret, "release@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	const begin, signature, end = "-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNATURE-----\n", "-----END PGP SIGNATURE-----\n"
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Errorf("nothing to replace: %q", old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	before := func(text string) func(string) string { return func(s string) string { return text + s } }
	after := func(text string) func(string) string { return func(s string) string { return s + text } }
	key := armoured(t, openpgp.PublicKeyType, public)
	for name, test := range map[string]struct {
		change func(string) string
		line   int
		want   string // part of the error, empty if the file stays good
	}{
		"unchanged":                  {func(s string) string { return s }, 0, ""},
		"CRLF":                       {func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, 0, ""},
		"blank lines at the end":     {after("\n\r\n\n"), 0, ""},
		"no line end at the end":     {func(s string) string { return strings.TrimSuffix(s, "\n") }, 0, ""},
		"trailing blanks":            {replace("name: plain\n", "name: plain \t \n"), 0, ""},
		"a dash escape more":         {replace("name: plain\n", "- name: plain\n"), 0, ""},
		"a comment":                  {replace(signature, signature+"Comment: made by hand\n"), 0, ""},
		"no checksum":                {func(s string) string { return s[:strings.LastIndex(s, "\n=")] + "\n" + end }, 0, ""},
		"nothing":                    {func(string) string { return "" }, 1, "signature block not found"},
		"no signature":               {func(string) string { return "apiVersion: v2\n" }, 1, "signature block not found"},
		"a key":                      {func(string) string { return string(key) }, 1, "signature block not found"},
		"text before":                {before("harmless\n"), 1, "text before the signed message"},
		"an empty line before":       {before("\n"), 1, "text before the signed message"},
		"a byte order mark":          {before("\ufeff"), 1, "control character U+FEFF"},
		"text after":                 {after("name: other\n"), 20, "text after the signature"},
		"a second message":           {func(s string) string { return s + s }, 20, "a second signed message"},
		"a message inside":           {replace("name: plain\n", "name: plain\n"+begin), 6, "a dash that is not escaped"},
		"a signature inside":         {replace("name: plain\n", signature+"\n"+end+"name: plain\n"), 5, "the signature is empty"},
		"a suffix at the beginning":  {replace(begin, "-----BEGIN PGP SIGNED MESSAGE----- \n"), 1, "signature block not found"},
		"another header":             {replace("Hash: SHA512\n", "Hash: SHA512\nComment: x\n"), 3, `the header "Comment: x" is not allowed`},
		"a charset":                  {replace("Hash: SHA512\n", "Hash: SHA512\nCharset: UTF-7\n"), 3, `the header "Charset: UTF-7" is not allowed`},
		"a charset in the armor":     {replace(signature, signature+"Charset: UTF-7\n"), 13, `the signature's header "Charset: UTF-7" is not allowed`},
		"a blank instead of nothing": {replace("Hash: SHA512\n\n", "Hash: SHA512\n \n"), 3, `the header " " is not allowed`},
		"text in the header":         {replace("Hash: SHA512\n", "Hash: SHA512\nname: other\n"), 3, `the header "name: other" is not allowed`},
		"no header":                  {replace("Hash: SHA512\n", ""), 11, "the header Hash does not name SHA-512"},
		"another hash":               {replace("Hash: SHA512\n", "Hash: SHA256\n"), 12, "the header Hash does not name SHA-512"},
		"an unknown hash":            {replace("Hash: SHA512\n", "Hash: SHA6, SHA512\n"), 2, `the hash "SHA6" is not known`},
		"several hashes":             {replace("Hash: SHA512\n", "Hash: SHA256, SHA512\n"), 0, ""},
		"ends in the header":         {func(string) string { return begin + "Hash: SHA512" }, 2, "ends in the header"},
		"ends in the text":           {func(s string) string { return s[:strings.Index(s, signature)] }, 12, "ends before the signature"},
		"ends in the signature":      {func(s string) string { return s[:strings.LastIndex(s, "\n=")] }, 17, "ends in the signature"},
		"nothing signed":             {func(s string) string { return begin + "Hash: SHA512\n\n" + s[strings.Index(s, signature):] }, 4, "nothing is signed"},
		"a dash that is not escaped": {replace("name: plain\n", "-name: plain\n"), 5, "a dash that is not escaped"},
		"Latin-1":                    {replace("name: plain\n", "name: pl\xe4in\n"), 5, "is not UTF-8"},
		"a zero byte":                {replace("name: plain\n", "name: plain\x00\n"), 5, "control character U+0000"},
		"an escape sequence":         {replace("name: plain\n", "name: \x1b[8mplain\n"), 5, "control character U+001B"},
		"a carriage return":          {replace("name: plain\n", "name: other\rname: plain\n"), 5, "control character U+000D"},
		"no base64":                  {func(s string) string { return s[:strings.Index(s, signature)] + signature + "\n*\n" + end }, 12, "the signature is not base64"},
		"an empty signature":         {func(s string) string { return s[:strings.Index(s, signature)] + signature + "\n" + end }, 12, "the signature is empty"},
		"no packet":                  {func(s string) string { return s[:strings.Index(s, signature)] + signature + "\nAAAA\n" + end }, 12, "the signature cannot be read"},
		"a key instead of it": {func(s string) string {
			return s[:strings.Index(s, signature)] + strings.ReplaceAll(string(key), "PUBLIC KEY BLOCK", "SIGNATURE")
		}, 12, "a packet of type 6 among the signatures"},
		"text between checksum and end": {func(s string) string { return strings.Replace(s, end, "name: other\n"+end, 1) }, 0, "has to follow the checksum"},
		"a packet that the library panics on": {func(s string) string {
			const emptySubpacket = "\xc2\x0c\x04\x01\x16\x0a\x00\x02\x01\x04\x00\x00\x00\x00"
			return s[:strings.Index(s, signature)] + signature + "\n" + base64.StdEncoding.EncodeToString([]byte(emptySubpacket)) + "\n" + end
		}, 12, "the signature cannot be read: it is damaged"},
		"changed text":     {replace("version: 1.2.3\n", "version: 1.2.4\n"), 0, "it does not fit the text"},
		"a line more":      {replace("version: 1.2.3\n", "version: 1.2.3\n\n"), 0, "it does not fit the text"},
		"a change of case": {replace("name: plain", "name: Plain"), 0, "it does not fit the text"},
		"large":            {func(s string) string { return s + strings.Repeat("\n", 7<<20) }, 0, "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			prov := []byte(test.change(string(good)))
			_, err := provenance.Verify(context.Background(), plainName, archive, prov, keyring(t, public), provenance.Policy{})
			if test.want == "" {
				if err != nil {
					t.Fatalf("%v\n%s", err, prov)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %s\n%s", err, test.want, prov)
			}
			var format *provenance.FormatError
			if errors.As(err, &format) && format.Line != test.line && test.line > 0 {
				t.Errorf("line %d, want %d: %v\n%s", format.Line, test.line, err, prov)
			}
			if !errors.As(err, &format) && test.line > 0 {
				t.Errorf("%T: %v", err, err)
			}
		})
	}
}

func armoured(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// TestSignedStatementsAreReadStrictly signs texts that are no statements about
// the archive, or ones in other words.
func TestSignedStatementsAreReadStrictly(t *testing.T) {
	public, secret := newKey(t, "Release", "release@example.com")
	signer := signerOf(t, secret, "release@example.com")
	archive := archived(t, [2]string{"plain/Chart.yaml", "apiVersion: v2\nname: plain\nversion: 1.2.3\ndescription: \"two\\nlines\"\ntillerVersion: '>2'\nappVersion: 1.10\n"})
	sum := sha256Of(archive)
	files := fmt.Sprintf("files:\n  %s: sha256:%s\n", plainName, sum)
	const about = "apiVersion: v2\nname: plain\nversion: 1.2.3\ndescription: two lines\nappVersion: '1.1'\n"
	for name, test := range map[string]struct{ text, want string }{
		"in another order":          {about + "\n...\n" + files, ""},
		"without an empty line":     {about + "...\n" + files, ""},
		"as in Chart.yaml":          {strings.ReplaceAll(about, "two lines", `"two\nlines"`) + "tillerVersion: '>2'\n\n...\n" + files, ""},
		"as JSON":                   {`{"apiVersion":"v2","name":"plain","version":"1.2.3","description":"two lines","appVersion":"1.1"}` + "\n...\n" + files, ""},
		"other files beside":        {about + "\n...\n" + files + "  other.tgz: sha256:" + strings.Repeat("0", 64) + "\n", ""},
		"images":                    {about + "\n...\n" + files + "images:\n  a:b: sha256:c\n", ""},
		"another version":           {strings.Replace(about, "1.2.3", "9.9.9", 1) + "\n...\n" + files, `version is "1.2.3", signed is "9.9.9"`},
		"another name":              {strings.Replace(about, "plain", "totally-other", 1) + "\n...\n" + files, `name is "plain", signed is "totally-other"`},
		"a field more":              {about + "home: https://example.com\n\n...\n" + files, `home is nothing, signed is "https://example.com"`},
		"a field less":              {strings.Replace(about, "description: two lines\n", "", 1) + "\n...\n" + files, `description is "two lines", signed is nothing`},
		"an unknown field's value":  {about + "tillerVersion: '>3'\n\n...\n" + files, `tillerVersion is "\u003e2", signed is "\u003e3"`},
		"nothing about the chart":   {"\n...\n" + files, `apiVersion is "v2", signed is nothing`},
		"another digest":            {about + "\n...\n" + strings.Replace(files, sum[:4], "0000", 1), "sha256 sum does not match for plain-1.2.3.tgz"},
		"another file":              {about + "\n...\n" + strings.Replace(files, "plain", "other", 1), `provenance does not contain a SHA for a file named "plain-1.2.3.tgz"`},
		"no files":                  {about + "\n...\n", `provenance does not contain a SHA for a file named "plain-1.2.3.tgz"`},
		"a path":                    {about + "\n...\n" + strings.Replace(files, "plain", "x/plain", 1), "is not a file name with sha256:HEX"},
		"another algorithm":         {about + "\n...\n" + strings.Replace(files, "sha256", "sha1", 1), "is not a file name with sha256:HEX"},
		"a digest in upper case":    {about + "\n...\n" + strings.Replace(files, sum, strings.ToUpper(sum), 1), "is not a file name with sha256:HEX"},
		"a field twice":             {about + "name: plain\n\n...\n" + files, `line 4: the signed metadata: `},
		"files twice":               {about + "\n...\n" + files + files, `line 11: the signed digests: `},
		"unknown beside files":      {about + "\n...\n" + files + "more: 1\n", "the signed digests: "},
		"one document":              {about + files, "has to be two documents"},
		"three documents":           {about + "\n...\n" + files + "\n...\nfiles: {}\n", "line 14: the signed text has more than two documents"},
		"a document marker":         {about + "\n...\n" + files + "---\nfiles: {}\n", "line 13: the signed text has more than two documents"},
		"metadata that are a list":  {"- a\n\n...\n" + files, "the signed metadata: "},
		"metadata that are no YAML": {"a: [\n\n...\n" + files, "the signed metadata: "},
		"metadata of other types":   {"name: [a]\n\n...\n" + files, "the signed metadata: "},
		"digests that are no YAML":  {about + "\n...\nfiles: [\n", "the signed digests: "},
	} {
		t.Run(name, func(t *testing.T) {
			prov, err := signer.ClearSign(context.Background(), []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			v, err := provenance.Verify(context.Background(), "some/folder/"+plainName, archive, prov, keyring(t, public), provenance.Policy{})
			if test.want == "" {
				if err != nil || v.FileHash != "sha256:"+sum || v.FileName != plainName || v.Metadata.Version != "1.2.3" {
					t.Errorf("%+v, %v", v, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestArchivesThatAreNoChartsAreRefused(t *testing.T) {
	public, secret := newKey(t, "Release", "release@example.com")
	signer := signerOf(t, secret, "release@example.com")
	const plain = "apiVersion: v2\nname: plain\nversion: 1.2.3\n"
	for name, test := range map[string]struct {
		archive []byte
		want    string
	}{
		"no gzip":             {[]byte("text"), "read the archive: "},
		"cut off":             {packaged(t, "full")[:200], "read the archive: "},
		"no Chart.yaml":       {archived(t, [2]string{"plain/values.yaml", ""}), "Chart.yaml file is missing"},
		"two of them":         {archived(t, [2]string{"plain/Chart.yaml", plain}, [2]string{"other/./Chart.yaml", plain}), `"other/./Chart.yaml" is there twice`},
		"one of a subchart":   {archived(t, [2]string{"plain/charts/a/Chart.yaml", plain}), "Chart.yaml file is missing"},
		"no YAML":             {archived(t, [2]string{"plain/Chart.yaml", "a: ["}), "cannot load Chart.yaml"},
		"no version":          {archived(t, [2]string{"plain/Chart.yaml", "name: plain\n"}), "chart.metadata.version is required"},
		"bad requirements":    {archived(t, [2]string{"plain/Chart.yaml", plain}, [2]string{"plain/requirements.yaml", "["}), "cannot load requirements.yaml"},
		"a large Chart.yaml":  {archived(t, [2]string{"plain/Chart.yaml", plain + strings.Repeat("#", 5<<20)}), `"plain/Chart.yaml" is larger than`},
		"one that is a bomb":  {archived(t, [2]string{"plain/x", strings.Repeat("x", 100<<20)}, [2]string{"plain/Chart.yaml", plain}), "it unpacks to more than"},
		"with backslashes":    {archived(t, [2]string{`plain\Chart.yaml`, plain}), ""},
		"a byte order mark":   {archived(t, [2]string{"plain/Chart.yaml", "\ufeff" + plain}), ""},
		"a folder in between": {archived(t, [2]string{"plain//Chart.yaml", plain}), "Chart.yaml file is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			prov, err := provenance.Sign(context.Background(), plainName, test.archive, signer)
			if test.want == "" {
				if err == nil {
					_, err = provenance.Verify(context.Background(), plainName, test.archive, prov, keyring(t, public), provenance.Policy{})
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("sign: got %v, want %s", err, test.want)
			}
			text := fmt.Sprintf("name: plain\n\n...\nfiles:\n  %s: sha256:%s\n", plainName, sha256Of(test.archive))
			prov, err = signer.ClearSign(context.Background(), []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = provenance.Verify(context.Background(), plainName, test.archive, prov, keyring(t, public), provenance.Policy{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("verify: got %v, want %s", err, test.want)
			}
		})
	}
}

func TestASignerThatSignsSomethingElseIsNotBelieved(t *testing.T) {
	_, secret := newKey(t, "Release", "release@example.com")
	signer := signerOf(t, secret, "release@example.com")
	for name, test := range map[string]struct {
		sign provenance.SignerFunc
		want string
	}{
		"another text": {func(ctx context.Context, text []byte) ([]byte, error) {
			return signer.ClearSign(ctx, bytes.Replace(text, []byte("1.2.3"), []byte("6.6.6"), 1))
		}, "the signer has changed the text"},
		"no signature": {func(_ context.Context, text []byte) ([]byte, error) { return text, nil }, "read the signer's answer: provenance file, line 1: "},
		"an error":     {func(context.Context, []byte) ([]byte, error) { return nil, errors.New("no card") }, "no card"},
	} {
		if prov, err := provenance.Sign(context.Background(), plainName, packaged(t, "plain"), test.sign); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %s, %v", name, prov, err)
		}
	}
}

// TestAStatementCanBeCheckedWithoutAKey is what a server does that has no keys.
func TestAStatementCanBeCheckedWithoutAKey(t *testing.T) {
	_, secret := newKey(t, "Release", "release@example.com")
	signer := signerOf(t, secret, "release@example.com")
	archive := packaged(t, "full")
	prov, err := provenance.Sign(context.Background(), "full.tgz", archive, signer)
	if err != nil {
		t.Fatal(err)
	}
	s, err := provenance.Parse(prov)
	if err != nil {
		t.Fatal(err)
	}
	if s.Metadata.Name != "full" || len(s.Issuers) != 1 || s.Issuers[0] != signer.Fingerprint() {
		t.Errorf("%+v", s)
	}
	if err := s.Check("full.tgz", archive); err != nil {
		t.Error(err)
	}
	var digest *provenance.DigestError
	if err := s.Check("other.tgz", archive); !errors.As(err, &digest) || digest.Signed != "" {
		t.Errorf("%v", err)
	}
	if err := s.Check("full.tgz", packaged(t, "plain")); !errors.As(err, &digest) || digest.Signed == "" {
		t.Errorf("%v", err)
	}
}

func TestACancelledVerificationEnds(t *testing.T) {
	public, secret := newKey(t, "Release", "release@example.com")
	archive := packaged(t, "plain")
	prov, err := provenance.Sign(context.Background(), plainName, archive, signerOf(t, secret, "release@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := provenance.Verify(ctx, plainName, archive, prov, keyring(t, public), provenance.Policy{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
