package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Backup copies the file, as it is at one moment, to a new one, while others go on reading and appending. The copy
// is a store of its own with the same identity: events, snapshots, checkpoints and the caller's own tables. When
// Backup returns, it is synced to its disk; one that is broken off leaves nothing behind. The directory must
// exist, and the error matches [fs.ErrExist] if something has that name.
//
// It takes no lock that appends wait for; but what they append meanwhile stays in the WAL, which so grows.
func (s *Store) Backup(ctx context.Context, path string) error {
	err := s.views.begin() // Close waits for it
	if err == nil {
		defer s.views.open.Done()
		err = s.backup(ctx, path)
	}
	if err != nil {
		return fmt.Errorf("backing up %s: %w", s.path, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w: name a new file", path, fs.ErrExist)
	}
	// Under another name it can't be taken for a backup before it is one.
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part*")
	if err == nil {
		err = part.Close()
	}
	if err != nil {
		return err
	}
	if err := s.copyTo(ctx, part.Name()); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return syncName(path)
}

// copyTo copies the file to one that is empty.
func (s *Store) copyTo(ctx context.Context, path string) error {
	c, err := s.connect(ctx, existingFile)
	if err != nil {
		return explain(err)
	}
	defer func() { _ = c.Close() }()
	err = retryBusy(ctx, s.closing, func() error {
		_, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, "VACUUM INTO ?", []driver.NamedValue{{Ordinal: 1, Value: path}})
		return err
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return explainWrite(err)
	}
	// SQLite does not sync what it wrote there.
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(s.file.Mode().Perm()), f.Sync(), f.Close())
}

// syncName syncs the directory that a file has got a name in, where the system can do that.
func syncName(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
