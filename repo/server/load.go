package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"

	"github.com/e6d26078/slipway/repo/internal/parallel"
)

// atOnce is how many charts are worked on at a time: more than there are
// processors, as some wait for a file.
func atOnce() int { return 4 * runtime.GOMAXPROCS(0) }

// load reads what the folder has. Archives that have not changed since the last
// time are not read. What is no chart is left out, and logged.
func (l *local) load(ctx context.Context) error {
	s := l.s
	var archives []Object
	provs := map[string]Object{}
	err := l.folder.List(ctx, func(o Object) error {
		switch {
		case !isRepository(tenantOfKey(o.Key), s.o.Depth):
		case strings.HasSuffix(o.Key, ".tgz"):
			archives = append(archives, o)
		case strings.HasSuffix(o.Key, ".tgz.prov"):
			provs[o.Key] = o
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the storage: %w", err)
	}
	records := readKnown(s.o.Cache, s.o.ChartURL)
	entries := make([]*entry, len(archives))
	errs := make([]error, len(archives))
	parallel.Do(len(archives), atOnce(), func(i int) {
		o := archives[i]
		if e := records[o.Key].entry(o); e != nil && !s.o.Signatures.Required { // else nobody's notes are believed
			e.prov = provs[o.Key+".prov"]
			entries[i] = e
			return
		}
		if entries[i], errs[i] = s.readEntry(ctx, o); errs[i] == nil {
			entries[i].prov = provs[o.Key+".prov"]
			errs[i] = s.admit(ctx, nil, entries[i])
		}
	})
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	byTenant, err := s.group(archives, entries, errs)
	if err != nil {
		return err
	}
	for name, list := range byTenant {
		t := newTenant(name)
		t.fill(list)
		s.tenants[name] = t
	}
	s.findOrphans(provs)
	l.known, err = newKnown(s.o.Cache, s.o.ChartURL, byTenant)
	if err != nil {
		s.log.Warn("the next start will read every archive", "reason", err.Error())
	}
	return nil
}

// group sorts what was read of the archives by repository. What is no chart, and
// a version that another file has too, is left out.
func (s *Server) group(archives []Object, entries []*entry, errs []error) (map[string][]*entry, error) {
	var named, others []*entry // a file that has the name of its chart comes before copies of it
	for i, e := range entries {
		var input *inputError
		switch err := errs[i]; {
		case err == nil && e.isNamed():
			named = append(named, e)
		case err == nil:
			others = append(others, e)
		case !errors.As(err, &input):
			return nil, fmt.Errorf("read %s: %w", archives[i].Key, err)
		default:
			s.log.Warn("left out of the index", "file", archives[i].Key, "reason", err.Error())
		}
	}
	byTenant := map[string][]*entry{}
	seen := map[string]string{}
	for _, e := range append(named, others...) {
		key := e.object.Key
		name := tenantOfKey(key)
		id := name + "/" + e.name + "/" + e.version
		if other, double := seen[id]; double {
			s.log.Warn("left out of the index", "file", key, "reason", "the same version is in "+other)
			continue
		}
		seen[id] = key
		byTenant[name] = append(byTenant[name], e)
	}
	return byTenant, nil
}

// isNamed reports whether a file has the name of its chart.
func (e *entry) isNamed() bool { return e.file == e.name+"-"+e.version+".tgz" }

// findOrphans notes the .prov files whose archives are not in the index.
func (s *Server) findOrphans(provs map[string]Object) {
	for key := range provs {
		dir, file := path.Split(strings.TrimSuffix(key, ".prov"))
		name := strings.TrimSuffix(dir, "/")
		t := s.tenants[name]
		if t == nil {
			t = newTenant(name)
			s.tenants[name] = t
		}
		if t.files[file] == nil {
			if t.orphans == nil {
				t.orphans = map[string]bool{}
			}
			t.orphans[file] = true
		}
	}
}

// readEntry reads an archive that nothing is known of.
func (s *Server) readEntry(ctx context.Context, o Object) (*entry, error) {
	content, opened, err := s.storage.Open(ctx, o.Key)
	if err != nil {
		return nil, &inputError{err}
	}
	defer content.Close()
	if limit := max(s.o.MaxUpload, DefaultMaxUpload); opened.Size > limit {
		return nil, badInput("it is larger than %d bytes", limit)
	}
	archive := make([]byte, opened.Size)
	if _, err := io.ReadFull(content, archive); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, badInput("it is being written")
	} else if err != nil {
		return nil, err
	}
	c, err := readChart(s.o.Loader, archive)
	if err != nil {
		return nil, err
	}
	tenant, _ := path.Split(o.Key)
	return newEntry(c.Metadata, digestOf(archive), opened, Object{}, s.baseURL(strings.TrimSuffix(tenant, "/")))
}
