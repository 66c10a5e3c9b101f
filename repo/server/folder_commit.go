package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"time"
)

// step is one change of a commit: a temporary file gets its name, or a file is
// deleted. A journal is a list of them.
type step struct {
	Key string `json:"key"`
	Tmp string `json:"tmp,omitempty"` // empty to delete the file
}

// Write is one change of a commit.
type Write struct {
	Key    string
	Data   []byte
	Delete bool // delete it instead; that it is not there is no error
	// If is what has to hold: "" for nothing, [IfAbsent], or a version.
	If string
	// Modified is the time of change that the file gets, if there has been none
	// by its name; zero is one that no other file has.
	Modified time.Time
}

// IfAbsent is the condition that there is no such object.
const IfAbsent = "absent"

// Commit carries out all writes or none, for good: if it returns without an
// error, they survive the end of the process and of the machine. It returns
// what is there now, an empty Object for what was deleted. Errors wrap
// [ErrConflict], [ErrFull] or what the system says.
//
// It writes the files beside the others first. One change is then one
// rename. More are decided by the appearance of a journal, from which the next
// process goes on if this one is killed.
func (f *Folder) Commit(_ context.Context, writes ...Write) ([]Object, error) {
	steps, err := f.stage(writes)
	if err == nil {
		f.mu.Lock()
		err = f.decide(writes, steps)
		f.mu.Unlock()
	}
	if err != nil {
		f.discard(steps)
		return nil, full(err)
	}
	objects := make([]Object, len(writes))
	for i, w := range writes {
		if w.Delete {
			continue
		}
		info, err := f.root.Stat(w.Key)
		if err != nil {
			return nil, err
		}
		objects[i] = object(w.Key, info)
	}
	return objects, nil
}

// full marks the errors that say that there is no room.
func full(err error) error {
	if slices.ContainsFunc(noRoom, func(e error) bool { return errors.Is(err, e) }) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// stage writes the temporary files, to the disk, and makes the folders.
func (f *Folder) stage(writes []Write) ([]step, error) {
	var steps []step
	for _, w := range writes {
		if !isKey(w.Key) {
			return steps, fmt.Errorf("%q is no name for an object", w.Key)
		}
		if w.Delete {
			steps = append(steps, step{Key: w.Key})
			continue
		}
		tmp := path.Join(private, "tmp", strconv.FormatInt(f.next.Add(1), 10))
		steps = append(steps, step{Key: w.Key, Tmp: tmp})
		if err := f.makeFolder(path.Dir(w.Key)); err != nil {
			return steps, err
		}
		if err := f.writeFile(tmp, w.Data, w.Modified); err != nil {
			return steps, err
		}
	}
	return steps, nil
}

// writeFile writes a file to the disk, with a time of change that no other has
// unless one is given.
func (f *Folder) writeFile(name string, data []byte, modified time.Time) error {
	if modified.IsZero() {
		modified = f.tick()
	}
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = f.root.Chtimes(name, time.Time{}, modified)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func (f *Folder) tick() time.Time {
	f.clock.Lock()
	defer f.clock.Unlock()
	now := f.now()
	if !now.After(f.last) {
		now = f.last.Add(1)
	}
	f.last = now
	return now
}

// makeFolder makes a folder and those above it, for good.
func (f *Folder) makeFolder(dir string) error {
	if _, err := f.root.Stat(dir); err == nil {
		return nil
	}
	if err := f.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for dir != "." {
		dir = path.Dir(dir)
		if err := f.syncFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

// decide checks the conditions and gives the files their names. The caller holds the lock.
func (f *Folder) decide(writes []Write, steps []step) error {
	if f.broken != nil {
		return fmt.Errorf("the storage has to be opened again: %w", f.broken)
	}
	for _, w := range writes {
		if err := f.check(w); err != nil {
			return err
		}
	}
	if len(steps) == 1 {
		if err := f.apply(steps[0]); err != nil {
			return err
		}
		return f.syncFolder(path.Dir(steps[0].Key))
	}
	journal, err := f.writeJournal(steps)
	if err != nil {
		return err
	}
	for i, s := range steps {
		err := f.apply(s)
		if err == nil {
			continue
		}
		if i == 0 && f.forget(journal) == nil {
			return err
		}
		f.broken = err // the journal stays for the next process
		return err
	}
	if err := f.finish(steps, journal); err != nil {
		f.broken = err
		return err
	}
	return nil
}

// check holds a condition against what is there.
func (f *Folder) check(w Write) error {
	if w.If == "" {
		return nil
	}
	info, err := f.root.Stat(w.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if w.If == IfAbsent {
			return nil
		}
	case err != nil:
		return err
	case w.If == object(w.Key, info).Version:
		return nil
	}
	return fmt.Errorf("%s: %w", w.Key, ErrConflict)
}

// apply does a step, or finds it done.
func (f *Folder) apply(s step) error {
	if s.Tmp == "" {
		if err := f.root.Remove(s.Key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return f.root.Rename(s.Tmp, s.Key)
}

// writeJournal decides on the steps: once it has its name, they will be done.
func (f *Folder) writeJournal(steps []step) (string, error) {
	text, err := json.Marshal(steps)
	if err != nil {
		return "", err
	}
	base := strconv.FormatInt(f.next.Add(1), 10)
	tmp, journal := path.Join(private, "tmp", base), path.Join(private, "journal", base)
	if err = f.writeFile(tmp, text, time.Time{}); err == nil {
		err = f.root.Rename(tmp, journal)
	}
	if err != nil {
		_ = f.root.Remove(tmp)
		return "", err
	}
	if err := f.syncFolder(path.Join(private, "journal")); err != nil {
		return "", errors.Join(err, f.forget(journal))
	}
	return journal, nil
}

// finish makes the steps last and removes the journal.
func (f *Folder) finish(steps []step, journal string) error {
	var dirs []string
	for _, s := range steps {
		if dir := path.Dir(s.Key); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		if err := f.syncFolder(dir); err != nil {
			return err
		}
	}
	return f.forget(journal)
}

// forget removes a journal for good: one that came back would undo what came later.
func (f *Folder) forget(journal string) error {
	if err := f.root.Remove(journal); err != nil {
		return err
	}
	return f.syncFolder(path.Join(private, "journal"))
}

func (f *Folder) discard(steps []step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil { // the journal may need them
		return
	}
	for _, s := range steps {
		if s.Tmp != "" {
			_ = f.root.Remove(s.Tmp)
		}
	}
}

// recover completes the commits of an earlier process and removes the files of
// those that it had not decided on.
func (f *Folder) recover() error {
	names, err := f.names(path.Join(private, "journal"))
	if err != nil {
		return err
	}
	for _, name := range names { // one at most
		journal := path.Join(private, "journal", name)
		text, err := f.root.ReadFile(journal)
		if err != nil {
			return err
		}
		var steps []step
		if err := json.Unmarshal(text, &steps); err != nil {
			return fmt.Errorf("read %s: %w", journal, err)
		}
		for _, s := range steps {
			if !isKey(s.Key) {
				return fmt.Errorf("read %s: %q is no name for an object", journal, s.Key)
			}
			if err := f.apply(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := f.finish(steps, journal); err != nil {
			return err
		}
	}
	left, err := f.names(path.Join(private, "tmp"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := f.root.Remove(path.Join(private, "tmp", name)); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) names(dir string) ([]string, error) {
	open, err := f.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	return open.Readdirnames(-1)
}

// syncFolder makes the names in a folder last.
func (f *Folder) syncFolder(dir string) error {
	if !canSyncFolders {
		return nil
	}
	open, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(open.Sync(), open.Close())
}
