package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// views are the connections that callers read with.
type views struct {
	mu sync.RWMutex // held for reading by each view
	db *sql.DB      // nil until the first
	at sync.Mutex   // guards db
}

// ReadTx runs f in a transaction that only reads. All of it sees the file as it was at one moment, while others
// go on writing. "Database is locked" is none of its errors. What is written in it fails.
func (s *Store) ReadTx(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	s.views.mu.RLock()
	defer s.views.mu.RUnlock()
	if err := s.isClosed(); err != nil {
		return err
	}
	var tx *sql.Tx
	err := retryBusy(ctx, s.closing, func() (err error) {
		tx, err = s.view(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning a transaction that reads: %w", explain(err))
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to commit
	return f(ctx, tx)
}

// view begins a transaction, and reads once, so that it has seen its moment.
func (s *Store) view(ctx context.Context) (*sql.Tx, error) {
	db, err := s.views.open(s)
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	var id []byte
	if err = tx.QueryRowContext(ctx, "SELECT id FROM store").Scan(&id); err == nil {
		err = s.moved()
	}
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

func (v *views) open(s *Store) (*sql.DB, error) {
	v.at.Lock()
	defer v.at.Unlock()
	if v.db == nil {
		connector, err := s.connector(existingFile, readerPragmas()...)
		if err != nil {
			return nil, err
		}
		v.db = sql.OpenDB(connector)
		v.db.SetMaxOpenConns(s.config.readers)
		v.db.SetMaxIdleConns(s.config.readers)
	}
	return v.db, nil
}

// close waits for the views under way.
func (v *views) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.db == nil {
		return nil
	}
	return v.db.Close()
}
