package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/semaphore"
)

// S3Options say where a bucket is. Bucket is required.
type S3Options struct {
	Bucket string
	Prefix string // in front of all keys; "" for none
	// Endpoint is the address of the server, with http or https; "" is AWS's.
	Endpoint string
	Region   string // "" is us-east-1
	// PathStyle puts the bucket into the path instead of the name of the host.
	PathStyle bool
	// AccessKey, SecretKey and SessionToken are the credentials. Without them they
	// come from the usual file, or the role of the machine or the pod.
	AccessKey, SecretKey, SessionToken string
	// ScanInterval is how often the bucket is looked through for what others have
	// put there; 0 is 5 minutes, less than 0 is at the start alone.
	ScanInterval time.Duration
}

// DefaultScanInterval is that of S3Options without one.
const DefaultScanInterval = 5 * time.Minute

// S3 is a Storage in a bucket of an object storage that does conditional writes.
// Any number of processes can serve it.
type S3 struct {
	o      S3Options
	core   minio.Core
	prefix string // empty or with a slash at its end
	memory *semaphore.Weighted

	patience patience
}

// patience is how long it is waited with the completion of what another replica
// may still be doing.
type patience struct {
	settle time.Duration // an upload is put where it belongs
	delete time.Duration // a deletion is done again; requests of the first one are not accepted any more
	tidy   time.Duration // objects of ours are deleted that no state names
}

const (
	requestTimeout = 30 * time.Second // of a request for an object
	maxObject      = 1 << 30          // bytes of an object of ours that is read
	maxInMemory    = 512 << 20        // bytes of all archives that are being answered
)

// OpenS3 finds out whether a bucket can be used: it writes an object below
// .slipway on conditions that hold and that do not.
func OpenS3(ctx context.Context, o S3Options) (*S3, error) {
	b, err := newS3(o)
	if err != nil {
		return nil, err
	}
	if err := b.probe(ctx); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", o.Bucket, err)
	}
	return b, nil
}

func newS3(o S3Options) (*S3, error) {
	if o.Endpoint == "" {
		o.Endpoint = "https://s3.amazonaws.com"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.ScanInterval == 0 {
		o.ScanInterval = DefaultScanInterval
	}
	address, err := url.Parse(o.Endpoint)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" || strings.Trim(address.Path, "/") != "" {
		return nil, fmt.Errorf("the endpoint %q of the object storage has to be http://HOST:PORT or https://HOST:PORT", o.Endpoint)
	}
	prefix := strings.Trim(o.Prefix, "/")
	if prefix != "" && !isKey(prefix) {
		return nil, fmt.Errorf("the prefix %q has to be names of letters, digits and ._+- with slashes between them", o.Prefix)
	}
	if prefix != "" {
		prefix += "/"
	}
	keys := credentials.NewStaticV4(o.AccessKey, o.SecretKey, o.SessionToken)
	switch {
	case (o.AccessKey == "") != (o.SecretKey == ""):
		return nil, errors.New("an access key needs its secret key, and the other way round")
	case o.AccessKey == "":
		keys = credentials.NewChainCredentials([]credentials.Provider{&credentials.FileAWSCredentials{}, &credentials.IAM{}})
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	transport, err := minio.DefaultTransport(address.Scheme == "https")
	if err != nil {
		return nil, err
	}
	transport.MaxIdleConnsPerHost = 64
	// A request is sent once: of one that was sent twice, the first might arrive last.
	core, err := minio.NewCore(address.Host, &minio.Options{
		Creds: keys, Secure: address.Scheme == "https", Region: o.Region, BucketLookup: lookup, MaxRetries: 1, Transport: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("the object storage: %w", err)
	}
	return &S3{o: o, core: *core, prefix: prefix, memory: semaphore.NewWeighted(maxInMemory), patience: patience{settle: time.Minute, delete: 15 * time.Minute, tidy: 24 * time.Hour}}, nil
}

// probe holds that conditions are kept: a storage that ignores them loses updates.
func (b *S3) probe(ctx context.Context) error {
	key := private + "/@probe"
	if _, err := b.put(ctx, key, []byte("slipway\n"), ""); err != nil {
		return err
	}
	_, absent := b.put(ctx, key, []byte("slipway\n"), IfAbsent)
	_, changed := b.put(ctx, key, []byte("slipway\n"), "0123456789abcdef0123456789abcdef")
	if !errors.Is(absent, ErrConflict) || !errors.Is(changed, ErrConflict) {
		return errors.New("the object storage does not keep the conditions of writes (If-None-Match, If-Match), without which replicas lose uploads; use one that does")
	}
	return nil
}

// List visits the objects that can be of a chart.
func (b *S3) List(ctx context.Context, visit func(Object) error) error {
	return b.list(ctx, "", func(o Object) error {
		if !isKey(o.Key) {
			return nil
		}
		return visit(o)
	})
}

// list visits all objects whose keys begin with prefix.
func (b *S3) list(ctx context.Context, prefix string, visit func(Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	for o := range b.core.Client.ListObjects(ctx, b.o.Bucket, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return b.failed("list", prefix, o.Err)
		}
		key := strings.TrimPrefix(o.Key, b.prefix)
		if err := visit(Object{Key: key, Version: strings.Trim(o.ETag, `"`), Size: o.Size, Modified: o.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Open reads an object as a whole.
func (b *S3) Open(ctx context.Context, key string) (Content, Object, error) {
	if !isKey(key) {
		return nil, Object{}, fmt.Errorf("%q: %w", key, fs.ErrNotExist)
	}
	data, o, err := b.get(ctx, key, "", DefaultMaxUpload)
	if err != nil {
		return nil, Object{}, err
	}
	return inMemory{Reader: bytes.NewReader(data)}, o, nil
}

// inMemory is a Content that was read.
type inMemory struct {
	*bytes.Reader
	release func()
}

// Close gives the memory back.
func (m inMemory) Close() error {
	if m.release != nil {
		m.release()
	}
	return nil
}

var errUnchanged = errors.New("unchanged")

// get reads an object of at most limit bytes, or returns errUnchanged if it is of the version unless.
func (b *S3) get(ctx context.Context, key, unless string, limit int64) ([]byte, Object, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var o minio.GetObjectOptions
	if unless != "" {
		if err := o.SetMatchETagExcept(unless); err != nil {
			return nil, Object{}, err
		}
	}
	body, info, _, err := b.core.GetObject(ctx, b.o.Bucket, b.prefix+key, o)
	if err != nil {
		return nil, Object{}, b.failed("read", key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, Object{}, b.failed("read", key, err)
	}
	if int64(len(data)) > limit {
		return nil, Object{}, badInput("%s is larger than %d bytes", key, limit)
	}
	return data, Object{Key: key, Version: info.ETag, Size: int64(len(data)), Modified: info.LastModified}, nil
}

// head asks for an object without reading it.
func (b *S3) head(ctx context.Context, key string) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := b.core.StatObject(ctx, b.o.Bucket, b.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return Object{}, b.failed("read", key, err)
	}
	return Object{Key: key, Version: info.ETag, Size: info.Size, Modified: info.LastModified}, nil
}

// put writes an object on a condition: "" for none, IfAbsent, or a version. It
// gives the version that it has now. An error that wraps ErrConflict says that
// nothing was written; after errUnreachable it may have been.
func (b *S3) put(ctx context.Context, key string, data []byte, condition string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var o minio.PutObjectOptions
	switch condition {
	case "":
	case IfAbsent:
		o.SetMatchETagExcept("*")
	default:
		o.SetMatchETag(condition)
	}
	sum := sha256.Sum256(data)
	info, err := b.core.PutObject(ctx, b.o.Bucket, b.prefix+key, bytes.NewReader(data), int64(len(data)), "", hex.EncodeToString(sum[:]), o)
	if err = b.failed("write", key, err); errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s is not there: %w", key, ErrConflict)
	}
	if err != nil {
		return "", err
	}
	return info.ETag, nil
}

// delete deletes an object. That it is not there is no error.
func (b *S3) delete(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := b.core.RemoveObject(ctx, b.o.Bucket, b.prefix+key, minio.RemoveObjectOptions{})
	if err = b.failed("delete", key, err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// failed says what the server's answer means.
func (b *S3) failed(what, key string, err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s s3://%s/%s%s: %w: %w", what, b.o.Bucket, b.prefix, key, errUnreachable, err)
	}
	kind := errUnreachable
	switch {
	case answer.StatusCode == http.StatusNotModified:
		return errUnchanged
	case answer.StatusCode == http.StatusPreconditionFailed, answer.Code == minio.PreconditionFailed, answer.Code == "ConditionalRequestConflict":
		kind = ErrConflict
	case answer.Code == minio.NoSuchBucket:
		kind = errNoBucket
	case answer.StatusCode == http.StatusNotFound, answer.Code == minio.NoSuchKey:
		kind = fs.ErrNotExist
	case answer.Code == "QuotaExceeded", answer.StatusCode == http.StatusInsufficientStorage:
		kind = ErrFull
	}
	return fmt.Errorf("%s s3://%s/%s%s: %w: %s", what, b.o.Bucket, b.prefix, key, kind, answer.Code+" "+answer.Message)
}

// errNoBucket is not fs.ErrNotExist: a bucket that is away is no empty one.
var errNoBucket = fmt.Errorf("%w: there is no such bucket", errUnreachable)
