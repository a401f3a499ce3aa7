package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// conn is one connection. It uses the driver below database/sql: pages of rows are
// read in one go and statements are kept here, so that the pool, the goroutine and the
// locks which database/sql has for each query and row would buy nothing.
type conn struct {
	driver.Conn
	prepared map[string]*statement // by their texts, which are constants
	written  int                   // statements run by exec
}

type statement struct {
	driver.Stmt
	args []driver.NamedValue
	row  row
}

func newConn(c driver.Conn) *conn {
	return &conn{Conn: c, prepared: map[string]*statement{}}
}

// exec runs a statement that returns no rows, and returns the rowid that it inserted.
func (c *conn) exec(text string, args ...driver.Value) (rowid int64, err error) {
	st, err := c.prepare(text, args)
	if err != nil {
		return 0, err
	}
	defer st.release()
	c.written++
	result, err := st.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), st.args)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// each runs a statement and hands its rows to next, until that returns false.
func (c *conn) each(text string, next func(*row) bool, args ...driver.Value) (err error) {
	st, err := c.prepare(text, args)
	if err != nil {
		return err
	}
	defer st.release()
	rows, err := st.Stmt.(driver.StmtQueryContext).QueryContext(context.Background(), st.args)
	if err != nil {
		return err
	}
	defer func() {
		if closing := rows.Close(); err == nil {
			err = closing
		}
	}()
	r := &st.row
	r.err = nil
	if r.values == nil {
		r.values = make([]driver.Value, len(rows.Columns()))
	}
	for {
		switch err := rows.Next(r.values); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		more := next(r)
		if r.err != nil {
			return r.err
		}
		if !more {
			return nil
		}
	}
}

// one runs a statement that returns at most one row.
func (c *conn) one(text string, scan func(*row), args ...driver.Value) (found bool, err error) {
	err = c.each(text, func(r *row) bool {
		found = true
		scan(r)
		return false
	}, args...)
	return found, err
}

func (c *conn) prepare(text string, args []driver.Value) (*statement, error) {
	st := c.prepared[text]
	if st == nil {
		prepared, err := c.Conn.Prepare(text)
		if err != nil {
			return nil, err
		}
		st = &statement{Stmt: prepared}
		c.prepared[text] = st
	}
	for i, v := range args {
		st.args = append(st.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return st, nil
}

// release lets go of the arguments and values, which may be large.
func (st *statement) release() {
	clear(st.args)
	st.args = st.args[:0]
	clear(st.row.values)
}

// Close closes the connection and what was prepared on it.
func (c *conn) Close() error {
	var errs []error
	for _, st := range c.prepared {
		errs = append(errs, st.Stmt.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// row is the current row of a statement. A value of another type than the schema
// says, as a damaged file may have, sets err, which ends the statement.
type row struct {
	values []driver.Value
	err    error
}

func (r *row) int(column int) int64 {
	n, ok := r.values[column].(int64)
	if !ok {
		r.wrong(column)
	}
	return n
}

func (r *row) text(column int) string {
	text, ok := r.values[column].(string)
	if !ok {
		r.wrong(column)
	}
	return text
}

// bytes returns a value that nobody else uses; nil for NULL and for an empty one.
func (r *row) bytes(column int) []byte {
	if r.values[column] == nil {
		return nil
	}
	b, ok := r.values[column].([]byte)
	if !ok {
		r.wrong(column)
	}
	return b
}

func (r *row) null(column int) bool { return r.values[column] == nil }

func (r *row) wrong(column int) {
	r.fail(fmt.Errorf("%w (column %d has a %T)", errDamaged, column, r.values[column]))
}

// fail ends the statement with an error, unless it has failed before.
func (r *row) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
