package server

import (
	"context"
	"errors"
	"io"
	"time"
)

// The errors of a Storage that the server branches on, beside fs.ErrNotExist.
var (
	// ErrConflict says that a condition of a Write does not hold.
	ErrConflict = errors.New("the object exists or was changed")
	// ErrFull says that there is no room left.
	ErrFull = errors.New("the storage is full")
)

// Object is what a storage knows of an object without reading it.
type Object struct {
	Key      string // names with slashes between them; none begins with a dot
	Version  string // another one after every change
	Size     int64
	Modified time.Time
}

// Content is an open object.
type Content interface {
	io.ReadSeeker
	io.Closer
}

// Write is one change of a commit.
type Write struct {
	Key    string
	Data   []byte
	Delete bool // delete it instead; that it is not there is no error
	// If is what has to hold: "" for nothing, [IfAbsent], or a version.
	If string
}

// IfAbsent is the condition that there is no such object.
const IfAbsent = "absent"

// Storage keeps the archives and .prov files. Its methods may be called
// concurrently. A storage of objects alone can implement it too: it writes the
// objects in the order given and with their conditions, and the last one, the
// archive, is what makes the others count.
type Storage interface {
	// List calls visit for every object, in no order, until it returns an error.
	List(ctx context.Context, visit func(Object) error) error
	// Open opens an object, or returns an error that wraps fs.ErrNotExist.
	Open(ctx context.Context, key string) (Content, Object, error)
	// Commit carries out all writes or none, for good: if it returns without an
	// error, they survive the end of the process and of the machine. It returns
	// what is there now, an empty Object for what was deleted. Errors wrap
	// ErrConflict, ErrFull or what the system says.
	Commit(ctx context.Context, writes ...Write) ([]Object, error)
}
