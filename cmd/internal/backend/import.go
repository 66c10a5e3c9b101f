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

// ImportCharts copies the charts of ChartMuseum's folder into one of ours.
func (Kubernetes) ImportCharts(ctx context.Context, o link.ImportOptions) (report *link.ImportReport, err error) {
	if err := keepApart(o.From, o.To); err != nil {
		return nil, err
	}
	from, err := server.OpenImportFolder(o.From)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	options := server.ImportOptions{Now: o.Now, Depth: o.Depth, MaxFile: o.MaxFile, DryRun: o.DryRun}
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

func importInto(ctx context.Context, from server.Source, to string, o server.ImportOptions) (report *server.ImportReport, err error) {
	folder, err := server.OpenFolder(to, o.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return server.Import(ctx, from, folder, o)
}

// dryImport only reads the target, which need not be there.
func dryImport(ctx context.Context, from server.Source, to string, o server.ImportOptions) (*server.ImportReport, error) {
	folder, err := server.OpenImportFolder(to)
	if errors.Is(err, fs.ErrNotExist) {
		return server.Import(ctx, from, nil, o)
	}
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return server.Import(ctx, from, folder, o)
}

// keepApart refuses folders of which one is in the other.
func keepApart(from, to string) error {
	var folders [2]string
	for i, dir := range []string{from, to} {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		if real, err := filepath.EvalSymlinks(absolute); err == nil {
			absolute = real
		}
		folders[i] = absolute + string(filepath.Separator)
	}
	if strings.HasPrefix(folders[0], folders[1]) || strings.HasPrefix(folders[1], folders[0]) {
		return fmt.Errorf("%s and %s are one folder, or one is in the other: name a new folder; `slipway serve --storage %s` can also go on with the old one", from, to, from)
	}
	return nil
}
