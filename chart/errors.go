package chart

import (
	"errors"
	"fmt"
)

var (
	// ErrTooLarge is wrapped by the errors about a limit on size, number or depth.
	ErrTooLarge = errors.New("chart exceeds a limit")
	// ErrUnsafe is wrapped by the errors about an archive that holds what no
	// honest package holds: a path or a link out of the chart, a device, two
	// files of one name.
	ErrUnsafe = errors.New("chart archive is unsafe")
	// ErrDamaged is wrapped by the errors about an archive that was cut off or altered.
	ErrDamaged = errors.New("chart archive is damaged")
)

// errNoGzip says that the data is no gzip stream.
var errNoGzip = errors.New("gzip: invalid header")

// kindError is an error whose text is complete in itself and which counts as
// one of the sentinels above.
type kindError struct {
	kind error
	text string
}

func (e *kindError) Error() string        { return e.text }
func (e *kindError) Is(target error) bool { return target == e.kind }

func tooLarge(format string, args ...any) error {
	return &kindError{ErrTooLarge, fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return &kindError{ErrUnsafe, fmt.Sprintf(format, args...)}
}

func damaged(format string, args ...any) error {
	return &kindError{ErrDamaged, fmt.Sprintf(format, args...)}
}
