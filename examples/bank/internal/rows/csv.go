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

// readHeader reads the first line of a CSV file that is not empty.
func readHeader(lines *lines) (*header, error) {
	line := lines.next()
	for line.err == nil && len(bytes.TrimSpace(line.text)) == 0 {
		line = lines.next()
	}
	unusable := func(format string, args ...any) error {
		return fmt.Errorf("reading line %d: %w: %w", line.number, ErrHeader, fmt.Errorf(format, args...))
	}
	switch {
	case errors.Is(line.err, io.EOF):
		return &header{}, nil // an empty file has no rows
	case errors.Is(line.err, errLongLine):
		return nil, unusable("%w", line.err)
	case line.err != nil:
		return nil, fmt.Errorf("reading line %d: %w", line.number, line.err)
	case bytes.HasPrefix(bytes.TrimSpace(line.text), []byte("{")):
		return nil, unusable("it is JSON, not CSV")
	}
	columns, err := split(line.text)
	if err != nil {
		return nil, unusable("%w", err)
	}
	seen := map[string]bool{}
	for i, name := range columns {
		columns[i] = strings.TrimSpace(name)
		if (&fields{}).column(columns[i]) == nil {
			return nil, unusable("column %.40q is none of %s", name, strings.Join(columnNames, ", "))
		}
		if seen[columns[i]] {
			return nil, unusable("column %q is there twice", columns[i])
		}
		seen[columns[i]] = true
	}
	for _, name := range columnNames[:3] {
		if !seen[name] {
			return nil, unusable("column %q is missing", name)
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

// split reads one line as a CSV record. A quoted value can't go over the line's end: see [lines.skipValue].
func split(line []byte) ([]string, error) {
	record, err := csv.NewReader(bytes.NewReader(line)).Read()
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Errorf("not CSV at column %d: %w", wrong.Column, wrong.Err)
	}
	return record, err
}
