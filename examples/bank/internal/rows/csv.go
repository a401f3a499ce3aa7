package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// header knows which column holds which field.
type header struct {
	columns []string
}

// readHeader reads the first line of a CSV file.
func readHeader(lines *lines) (*header, error) {
	line, err := lines.next()
	if errors.Is(err, io.EOF) {
		return &header{}, nil // an empty file has no rows
	}
	if err != nil {
		return nil, fmt.Errorf("reading line 1: %w", err)
	}
	columns, err := split(line)
	if err != nil {
		return nil, fmt.Errorf("reading line 1: %w: %w", ErrHeader, err)
	}
	seen := map[string]bool{}
	for i, name := range columns {
		columns[i] = strings.TrimSpace(name)
		if (&fields{}).column(columns[i]) == nil {
			return nil, fmt.Errorf("reading line 1: %w: column %.40q is none of %s", ErrHeader, name, strings.Join(columnNames, ", "))
		}
		if seen[columns[i]] {
			return nil, fmt.Errorf("reading line 1: %w: column %q is there twice", ErrHeader, columns[i])
		}
		seen[columns[i]] = true
	}
	for _, name := range columnNames[:3] {
		if !seen[name] {
			return nil, fmt.Errorf("reading line 1: %w: column %q is missing", ErrHeader, name)
		}
	}
	return &header{columns: columns}, nil
}

func (h *header) parse(line []byte) (fields, error) {
	var f fields
	values, err := split(line)
	if err != nil {
		return f, err
	}
	if len(values) != len(h.columns) {
		return f, fmt.Errorf("%d columns, the header has %d", len(values), len(h.columns))
	}
	for i, name := range h.columns {
		*f.column(name) = strings.TrimSpace(values[i])
	}
	return f, nil
}

// split reads one line as a CSV record. A quoted value can't go over the line's end, so that a
// forgotten quote costs one row and not the rest of the file.
func split(line []byte) ([]string, error) {
	record, err := csv.NewReader(bytes.NewReader(line)).Read()
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("not CSV at column %d: %w", wrong.Column, wrong.Err)
	}
	return record, err
}
