package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/e6d26078/slipway/cmd/internal/link"
	"github.com/e6d26078/slipway/repo/server"
)

// ImportCharts copies the charts of ChartMuseum's storage into one of ours.
func (Kubernetes) ImportCharts(ctx context.Context, o link.ImportOptions) (report *link.ImportReport, err error) {
	if err := keepApart(o.From, o.To); err != nil {
		return nil, err
	}
	from, err := openForReading(o.From)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	options := server.ImportOptions{Now: o.Now, Depth: depthOf(o.Depth, o.AnyDepth), MaxFile: o.MaxFile, DryRun: o.DryRun}
	var done *server.ImportReport
	if o.DryRun {
		done, err = dryImport(ctx, from, o.To, options)
	} else {
		done, err = importInto(ctx, from, o.To, options)
	}
	if done == nil {
		return nil, err
	}
	report = &link.ImportReport{Imported: done.Imported, Signed: done.Signed, Present: done.Present, LeftOut: []link.LeftOut{}, DryRun: o.DryRun}
	for _, l := range done.LeftOut {
		report.LeftOut = append(report.LeftOut, link.LeftOut(l))
	}
	return report, err
}

// readable is what is only read.
type readable interface {
	server.Source
	Close() error
}

func openForReading(place link.ImportPlace) (readable, error) {
	if place.Bucket.Bucket == "" {
		return server.OpenImportFolder(place.Name)
	}
	return server.OpenImportBucket(bucketOptions(place.Bucket))
}

func importInto(ctx context.Context, from server.Source, to link.ImportPlace, o server.ImportOptions) (report *server.ImportReport, err error) {
	if to.Bucket.Bucket != "" {
		where := bucketOptions(to.Bucket)
		where.ScanInterval = -1 // at the start alone
		bucket, err := server.OpenS3(ctx, where)
		if err != nil {
			return nil, err
		}
		return server.Import(ctx, from, bucket, o)
	}
	folder, err := server.OpenFolder(to.Name, o.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return server.Import(ctx, from, folder, o)
}

// dryImport only reads the target; a folder need not be there.
func dryImport(ctx context.Context, from server.Source, to link.ImportPlace, o server.ImportOptions) (*server.ImportReport, error) {
	target, err := openForReading(to)
	if errors.Is(err, fs.ErrNotExist) {
		return server.Import(ctx, from, nil, o)
	}
	if err != nil {
		return nil, err
	}
	defer target.Close()
	return server.Import(ctx, from, target, o)
}

// keepApart refuses places of which one is in the other.
func keepApart(from, to link.ImportPlace) error {
	if (from.Bucket.Bucket == "") != (to.Bucket.Bucket == "") {
		return nil
	}
	var places [2]string
	for i, place := range []link.ImportPlace{from, to} {
		if place.Bucket.Bucket != "" {
			places[i] = place.Bucket.Bucket + "/" + strings.Trim(place.Bucket.Prefix, "/") + "/"
			places[i] = strings.ReplaceAll(places[i], "//", "/") // without a prefix
			continue
		}
		absolute, err := filepath.Abs(place.Name)
		if err != nil {
			return err
		}
		if real, err := filepath.EvalSymlinks(absolute); err == nil {
			absolute = real
		}
		places[i] = absolute + string(filepath.Separator)
	}
	if strings.HasPrefix(places[0], places[1]) || strings.HasPrefix(places[1], places[0]) {
		return fmt.Errorf("%s and %s are one place, or one is in the other: name a new one; `slipway serve --storage %s` can also go on with the old one", from.Name, to.Name, from.Name)
	}
	return nil
}
