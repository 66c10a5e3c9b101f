package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/e6d26078/slipway/chart"
)

// Source is where charts are imported from: an [ImportFolder], an [ImportBucket], or a Storage.
// Its methods may be called concurrently.
type Source interface {
	List(ctx context.Context, visit func(Object) error) error
	Open(ctx context.Context, key string) (Content, Object, error)
}

// ImportOptions say how an import goes. Only Now is required.
type ImportOptions struct {
	Now     func() time.Time
	Depth   int   // as in [Options], of the source and of the target
	MaxFile int64 // bytes of the largest archive; 0 means DefaultMaxUpload
	Loader  chart.Loader
	// DryRun makes that nothing is written. The target is then only read: any
	// Source will do, or nil if there is none yet.
	DryRun bool
}

// ImportReport says what an import has done, or would do.
type ImportReport struct {
	Imported int       // archives
	Signed   int       // .prov files, of archives that were imported or had been before
	Present  int       // archives that were in the target before
	LeftOut  []LeftOut // by file
}

// LeftOut is a file of the source that was not imported.
type LeftOut struct {
	File, Reason string
}

// Import copies the charts of ChartMuseum's storage into the storage of a
// server. An archive and its .prov file are put there in one step, with the
// archive's time of change, after both were checked; what is not right is in the
// report, and left out. What the target has is not replaced. An import that was
// ended by an error, by the end of ctx or by a kill is resumed by the next one.
// The source is only read; files that come while it runs need another import.
func Import(ctx context.Context, from, to Source, o ImportOptions) (*ImportReport, error) {
	if o.Now == nil {
		return nil, errors.New("server: ImportOptions.Now is missing")
	}
	if o.MaxFile <= 0 {
		o.MaxFile = DefaultMaxUpload
	}
	im := &importer{from: from, o: o}
	storage, writable := to.(Storage)
	switch {
	case o.DryRun:
		im.to = dryTarget{to}
	case !writable:
		return nil, errors.New("server: charts are imported into a Storage")
	default:
		options := Options{Now: o.Now, Depth: o.Depth, MaxUpload: o.MaxFile, Loader: o.Loader}
		if folder, is := to.(*Folder); is {
			options.Cache = folder.CachePath()
		}
		s, err := New(ctx, storage, options)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		im.to = &serverTarget{s: s, storage: storage}
	}
	err := im.run(ctx)
	slices.SortFunc(im.report.LeftOut, func(a, b LeftOut) int { return strings.Compare(a.File, b.File) })
	return &im.report, err
}

// importer is one import.
type importer struct {
	from Source
	to   importTarget
	o    ImportOptions

	mu     sync.Mutex
	report ImportReport
	err    error // the first that is nobody's file's fault
}

// importTarget is what an import writes to.
type importTarget interface {
	// find gives the digest of an archive, "" if there is none, and whether it has a .prov file.
	find(ctx context.Context, tenant, file string) (digest string, signed bool, err error)
	put(ctx context.Context, tenant string, u upload) error
	putProv(ctx context.Context, tenant string, prov []byte) error
	// copy puts a file that is no chart there, unless there is one.
	copy(ctx context.Context, key string, data []byte) error
}

func (im *importer) leaveOut(file string, why error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.report.LeftOut = append(im.report.LeftOut, LeftOut{file, why.Error()})
}

// end makes that no more files are begun.
func (im *importer) end(err error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.err == nil {
		im.err = err
	}
}

func (im *importer) ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.err
}

func (im *importer) run(ctx context.Context) error {
	files := map[string]Object{}
	err := im.from.List(ctx, func(o Object) error {
		files[o.Key] = o
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what is to be imported: %w", err)
	}
	var work []string
	for key := range files {
		if im.isWanted(key, files) {
			work = append(work, key)
		}
	}
	slices.Sort(work)
	var group errgroup.Group
	group.SetLimit(importAtATime)
	for _, key := range work {
		group.Go(func() error {
			if im.ended(ctx) != nil {
				return nil
			}
			switch err := im.one(ctx, files[key], files[key+".prov"]); {
			case err == nil:
			case isFileFault(err):
				im.leaveOut(key, err)
			default:
				im.end(fmt.Errorf("import %s: %w", key, err))
			}
			return nil
		})
	}
	_ = group.Wait()
	return im.ended(ctx)
}

// importAtATime is how many archives are in memory: with buckets most of the time is waiting.
const importAtATime = 8

// isFileFault tells errors about one file from those that all files would meet.
func isFileFault(err error) bool {
	var input *inputError
	return errors.As(err, &input) || errors.Is(err, errExists) || errors.Is(err, errBusy)
}

// isWanted reports whether a file is one to begin with, and leaves out what is none.
func (im *importer) isWanted(key string, files map[string]Object) bool {
	name := path.Base(key)
	archive, isProv := strings.CutSuffix(key, ".prov")
	_, has := files[archive]
	switch {
	case name == "index-cache.yaml" || name == "index.yaml": // made anew
	case name != hubFile && !strings.HasSuffix(archive, ".tgz"):
		im.leaveOut(key, errors.New("it is no packaged chart and no .prov file"))
	case !isKey(key):
		im.leaveOut(key, errors.New("a name has to be of letters, digits and ._+-, and begin with a letter, a digit or _"))
	case im.o.Depth == AnyDepth && !isRepository(tenantOfKey(key), AnyDepth):
		im.leaveOut(key, fmt.Errorf("with --depth-dynamic there can be no repository %q", tenantOfKey(key)))
	case !isRepository(tenantOfKey(key), im.o.Depth):
		im.leaveOut(key, fmt.Errorf("it is %d folders deep, and the repositories are %d: --depth says how many", strings.Count(key, "/"), im.o.Depth))
	case isProv && !has:
		im.leaveOut(key, errors.New("its archive is not there"))
	default:
		return !isProv
	}
	return false
}

// read reads a file of the source.
func (im *importer) read(ctx context.Context, key string, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, badInput("it is larger than %d bytes", limit)
	}
	content, _, err := im.from.Open(ctx, key)
	var data []byte
	if err == nil {
		defer content.Close()
		data, err = io.ReadAll(io.LimitReader(content, limit+1))
	}
	var unreadable *fs.PathError // of a folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, badInput("it is not there any more")
	case errors.As(err, &unreadable):
		return nil, badInput("it cannot be read: %w", unreadable.Err)
	case err == nil && int64(len(data)) > limit:
		return nil, badInput("it is larger than %d bytes", limit)
	}
	return data, err
}

// one imports an archive with its .prov file, whose key is empty if there is none.
func (im *importer) one(ctx context.Context, o, prov Object) error {
	dir, file := path.Split(o.Key)
	tenant := strings.TrimSuffix(dir, "/")
	data, err := im.read(ctx, o.Key, o.Size, im.o.MaxFile)
	if err != nil {
		return err
	}
	if file == hubFile {
		return im.to.copy(ctx, o.Key, data)
	}
	u := upload{chart: data, created: o.Modified}
	c, err := readChart(im.o.Loader, data)
	if err != nil {
		return err
	}
	if right := fileName(c.Metadata); right != file {
		return badInput("it is %s %s, so its name would have to be %s", c.Name(), c.Metadata.Version, right)
	}
	if prov.Key != "" {
		if u.prov, err = im.readProv(ctx, prov, file, data); err != nil {
			if !isFileFault(err) {
				return err
			}
			im.leaveOut(prov.Key, err)
		}
	}
	return im.store(ctx, tenant, file, u)
}

func (im *importer) readProv(ctx context.Context, o Object, file string, archive []byte) ([]byte, error) {
	prov, err := im.read(ctx, o.Key, o.Size, maxProv)
	if err == nil {
		err = checkProv(file, archive, prov)
	}
	if err != nil {
		return nil, err
	}
	return prov, nil
}

// store puts into the target what it does not have.
func (im *importer) store(ctx context.Context, tenant, file string, u upload) error {
	digest, signed, err := im.to.find(ctx, tenant, file)
	if err != nil {
		return err
	}
	switch {
	case digest == "":
		err = im.to.put(ctx, tenant, u)
	case digest != digestOf(u.chart):
		return badInput("the target has another archive by this name, with the digest %s; it was not replaced", digest)
	case len(u.prov) > 0 && !signed:
		err = im.to.putProv(ctx, tenant, u.prov)
	}
	if err != nil {
		return err
	}
	im.mu.Lock()
	defer im.mu.Unlock()
	if digest == "" {
		im.report.Imported++
	} else {
		im.report.Present++
	}
	if len(u.prov) > 0 {
		im.report.Signed++
	}
	return nil
}
