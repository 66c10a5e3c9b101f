package schema

import (
	gourl "net/url"
	"strconv"
	"strings"
)

// textError is an error that is no more than its text.
type textError string

func (e textError) Error() string { return string(e) }

func parseURLError(url string, err error) error {
	return &wrappedError{"error in parsing " + strconv.Quote(url) + ": ", err}
}

// wrappedError puts a text before another error.
type wrappedError struct {
	text string
	err  error
}

func (e *wrappedError) Error() string { return e.text + e.err.Error() }
func (e *wrappedError) Unwrap() error { return e.err }

// cutFragment splits a URL at its first #.
func cutFragment(s string) (url, fragment string) {
	url, fragment, _ = strings.Cut(s, "#")
	return url, fragment
}

// splitFragment is cutFragment with the fragment's percent escapes decoded.
func splitFragment(s string) (url, fragment string, err error) {
	url, fragment = cutFragment(s)
	if strings.IndexByte(fragment, '%') >= 0 {
		if fragment, err = gourl.PathUnescape(fragment); err != nil {
			return "", "", parseURLError(s, err)
		}
	}
	return url, fragment, nil
}

// isPointer tells a fragment that is a JSON pointer from one that is an anchor.
func isPointer(fragment string) bool {
	return fragment == "" || fragment[0] == '/'
}

// join resolves ref against the absolute URL base.
func join(base, ref string) (url, fragment string, err error) {
	b, err := gourl.Parse(base)
	if err != nil {
		return "", "", parseURLError(base, err)
	}
	ref, fragment, err = splitFragment(ref)
	if err != nil {
		return "", "", err
	}
	r, err := gourl.Parse(ref)
	if err != nil {
		return "", "", parseURLError(ref, err)
	}
	resolved := b.ResolveReference(r)
	if !r.IsAbs() && b.Opaque != "" {
		// ResolveReference drops what follows the scheme of "urn:a:b".
		resolved.Opaque = b.Opaque
	}
	return resolved.String(), fragment, nil
}

// locationOf is how messages write a place: the URL, #, the escaped pointer.
func locationOf(url, fragment string) string {
	parts := strings.Split(fragment, "/")
	for i := range parts {
		parts[i] = gourl.PathEscape(parts[i])
	}
	return url + "#" + strings.Join(parts, "/")
}

// escapeToken writes a name as a token of a JSON pointer.
func escapeToken(name string) string {
	if strings.IndexByte(name, '~') < 0 && strings.IndexByte(name, '/') < 0 {
		return name
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// unescapeToken reads a token of a JSON pointer; false if a ~ is followed by
// neither 0 nor 1.
func unescapeToken(token string) (string, bool) {
	if strings.IndexByte(token, '~') < 0 {
		return token, true
	}
	var sb strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '~' {
			i++
			switch {
			case i < len(token) && token[i] == '0':
			case i < len(token) && token[i] == '1':
				c = '/'
			default:
				return "", false
			}
		}
		sb.WriteByte(c)
	}
	return sb.String(), true
}
