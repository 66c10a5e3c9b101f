package server

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/e6d26078/slipway/chart"
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

// Storage keeps the archives and .prov files: a [Folder] or an [S3] bucket. Its
// methods may be called concurrently.
type Storage interface {
	// List calls visit for every object that can be of a chart, in no order, until
	// it returns an error.
	List(ctx context.Context, visit func(Object) error) error
	// Open opens an object, or returns an error that wraps fs.ErrNotExist.
	Open(ctx context.Context, key string) (Content, Object, error)
	// changes gives what keeps the storage and the index of a server together.
	changes(s *Server) changer
}

// changer keeps a storage and the index together. Its methods may be called
// concurrently, those that change a file by one caller a file.
type changer interface {
	// load reads what the storage has, before requests are answered.
	load(ctx context.Context) error
	// fresh gives a repository as it is when fresh is called, or later. One that is not there is empty.
	fresh(ctx context.Context, name string) (*tenant, error)
	// add stores an archive, with its .prov file if there is one, and puts it into
	// the index. Errors wrap errExists, errQuota, errBusy, ErrFull or what the storage says.
	add(ctx context.Context, t *tenant, a addition) error
	// addProv stores a .prov file for the archive of an entry.
	addProv(ctx context.Context, t *tenant, e *entry, archive, prov []byte, overwrite bool) error
	// remove takes an archive out of the index and deletes it with its .prov file.
	remove(ctx context.Context, t *tenant, e *entry) error
	// open opens the archive of an entry, or its .prov file. An error that wraps
	// errMoved says that the entry is not the newest any more.
	open(ctx context.Context, t *tenant, e *entry, prov bool) (Content, Object, error)
	// check says why requests cannot be answered, if so.
	check(ctx context.Context) error
	// close ends what goes on beside the requests.
	close() error
}

// addition is an archive that is to be stored.
type addition struct {
	meta      *chart.Metadata
	file      string // NAME-VERSION.tgz
	digest    string
	upload    upload
	overwrite bool // whether it may replace another
}

// The errors of a changer.
var (
	errExists = errors.New("it exists already, and versions are not replaced here; give the chart another version")
	errBusy   = errors.New("another change of this version is under way; try again later")
	errMoved  = errors.New("it has just been replaced")
	// errUnreachable says that it is not known what the storage has.
	errUnreachable = errors.New("the storage does not answer; try again later")
)

// retryAfter is how many seconds those wait who ask again.
const retryAfter = "2"
