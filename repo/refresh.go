package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/e6d26078/slipway/repo/internal/parallel"
)

// refresh updates the indexes that are needed, all at the same time. One that
// cannot be had is an error: what is cached of it may be old.
//
// #DIFFERS: Helm updates all repositories, and goes on with what is cached.
func (j *job) refresh(ctx context.Context) error {
	if j.SkipRefresh || j.Source.Offline || len(j.indexes) == 0 {
		return nil
	}
	var known, unknown []*Entry
	for _, e := range j.indexes {
		if j.config.Get(e.Name) == e {
			if !slices.Contains(known, e) {
				known = append(known, e)
			}
		} else {
			unknown = append(unknown, e)
		}
	}
	if len(unknown) > 0 {
		j.say("Getting updates for unmanaged Helm repositories...")
		if err := j.refreshAll(ctx, unknown, func(e *Entry) string { return e.URL }); err != nil {
			return err
		}
	}
	if len(known) > 0 {
		j.say("Hang tight while we grab the latest from your chart repositories...")
		if err := j.refreshAll(ctx, known, func(e *Entry) string { return e.Name }); err != nil {
			return err
		}
		j.say("Update Complete. ⎈Happy Helming!⎈")
	}
	return nil
}

func (j *job) refreshAll(ctx context.Context, list []*Entry, title func(*Entry) string) error {
	slices.SortFunc(list, func(a, b *Entry) int { return strings.Compare(a.Name, b.Name) })
	errs := make([]error, len(list))
	parallel.Do(len(list), downloads, func(i int) { _, errs[i] = j.Source.Home.Update(ctx, j.Source.client(), list[i]) })
	for i, e := range list {
		if errs[i] != nil {
			errs[i] = fmt.Errorf("get an update from the %q chart repository (%s): %w", redacted(title(e)), redacted(e.URL), errs[i])
			continue
		}
		j.say("...Successfully got an update from the %q chart repository", title(e))
	}
	return errors.Join(errs...)
}

// downloads is how many things are fetched at a time.
const downloads = 8
