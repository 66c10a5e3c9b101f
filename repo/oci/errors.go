package oci

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// NotFoundError says that a registry does not have something, or hides it.
type NotFoundError struct {
	What string // such as a reference
	Why  string // may be ""
}

func (e *NotFoundError) Error() string { return joined(e.What+": not found", e.Why) }

// UnauthorizedError says that a registry wants other credentials, or rights
// that these do not give.
type UnauthorizedError struct {
	What   string
	Host   string
	Status int    // of HTTP; 0 if there were no credentials to send
	Why    string // may be ""
}

func (e *UnauthorizedError) Error() string {
	switch e.Status {
	case 0:
		return joined(fmt.Sprintf("%s: %s wants credentials and there are none for it", e.What, e.Host), e.Why)
	case http.StatusForbidden:
		return joined(e.What+": access denied by "+e.Host, e.Why)
	}
	return joined(e.What+": unauthorized by "+e.Host, e.Why)
}

// DigestError says that something is not what its digest says.
type DigestError struct {
	What      string
	Want, Got string
}

func (e *DigestError) Error() string {
	return fmt.Sprintf("%s: digest mismatch: it is %s and not %s", e.What, e.Got, e.Want)
}

// NotChartError says that a registry has something else by that name.
type NotChartError struct {
	What string
	Why  string
}

func (e *NotChartError) Error() string { return joined(e.What+": no Helm chart", e.Why) }

// TooLargeError says that something exceeds a limit.
type TooLargeError struct {
	What  string
	Size  int64 // 0 if it is not known
	Limit int64
}

func (e *TooLargeError) Error() string {
	if e.Size == 0 {
		return fmt.Sprintf("%s: larger than the limit of %d", e.What, e.Limit)
	}
	return fmt.Sprintf("%s: size %d exceeds the limit of %d", e.What, e.Size, e.Limit)
}

func joined(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// plainError is any other error; its text has no secrets.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// fault makes one of the errors above of what the libraries return.
func (r *remoteRepository) fault(err error, what string) error {
	var response *errcode.ErrorResponse
	switch {
	case err == nil, isOurs(err):
		return err
	case errors.As(err, &response):
		return r.refusal(response, what)
	case errors.Is(err, errdef.ErrNotFound):
		return &NotFoundError{What: what}
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return &UnauthorizedError{What: what, Host: r.ref.Host, Why: r.keys.complaint()}
	}
	return &plainError{text: what + ": " + withoutQueries(err.Error()), err: err}
}

func (r *remoteRepository) refusal(response *errcode.ErrorResponse, what string) error {
	why := ""
	if len(response.Errors) > 0 {
		first := response.Errors[0] // details are left out: they hold anything
		why = printable(errcode.Error{Code: first.Code, Message: first.Message}.Error())
	}
	switch status := response.StatusCode; status {
	case http.StatusUnauthorized, http.StatusForbidden:
		if complaint := r.keys.complaint(); complaint != "" {
			why = strings.TrimPrefix(why+"; "+complaint, "; ")
		}
		return &UnauthorizedError{What: what, Host: r.ref.Host, Status: status, Why: why}
	case http.StatusNotFound:
		return &NotFoundError{What: what, Why: why}
	default:
		return &plainError{joined(fmt.Sprintf("%s: %s answers %d %s", what, r.ref.Host, status, http.StatusText(status)), why), response}
	}
}

func isOurs(err error) bool {
	var notFound *NotFoundError
	var unauthorized *UnauthorizedError
	var digest *DigestError
	var notChart *NotChartError
	var tooLarge *TooLargeError
	return errors.As(err, &notFound) || errors.As(err, &unauthorized) || errors.As(err, &digest) || errors.As(err, &notChart) || errors.As(err, &tooLarge)
}

// withoutQueries cuts the queries out of the URLs of a text: those to which a
// registry redirects carry signatures that stand for credentials.
func withoutQueries(text string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '?')
		if i < 0 {
			out.WriteString(text)
			return printable(out.String())
		}
		out.WriteString(text[:i])
		end := strings.IndexAny(text[i:], "\" '>")
		if end < 0 {
			return printable(out.String())
		}
		text = text[i+end:]
	}
}

// printable makes a text of a stranger harmless for a terminal, and short.
func printable(text string) string {
	const most = 500
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// Retryable says whether the same call may succeed later: the registry could
// not be reached, or has trouble of its own.
func (e *plainError) Retryable() bool {
	var response *errcode.ErrorResponse
	if errors.As(e.err, &response) {
		return response.StatusCode >= http.StatusInternalServerError || response.StatusCode == http.StatusTooManyRequests
	}
	var network *net.OpError
	return errors.As(e.err, &network) && network.Op != "remote error" || isCutOff(e.err) // that one is about TLS
}
