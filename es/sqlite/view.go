package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/esgen-go/esgen/es"
)

// views are the connections that callers read with.
type views struct {
	mu     sync.Mutex // guards what follows
	db     *sql.DB    // nil until the first
	closed bool
	open   sync.WaitGroup // the views under way; none begins once it is closed
}

// ReadTx runs f in a transaction that only reads. All of it sees the file as it was at one moment, while others
// go on writing. "Database is locked" is none of its errors. What is written in it fails.
//
// There are as many at once as [WithReaders] says. So f must not begin another one: as many that do would wait for each other
// for ever.
func (s *Store) ReadTx(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	if err := s.views.begin(); err != nil {
		return err
	}
	defer s.views.open.Done()
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
	db, err := s.views.pool(s)
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

// begin counts a view, which is done when it is over.
func (v *views) begin() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return es.ErrClosed
	}
	v.open.Add(1)
	return nil
}

func (v *views) pool(s *Store) (*sql.DB, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
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
	v.closed = true
	v.mu.Unlock()
	v.open.Wait()
	if v.db == nil {
		return nil
	}
	return v.db.Close()
}
