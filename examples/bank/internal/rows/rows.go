// Package rows reads files of operations, JSON Lines or CSV, one line at a time.
package rows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// MaxLine is the length of the longest line that is read, in bytes. A longer one is refused
// without being held in memory.
const MaxLine = 64 << 10

// ErrHeader: the first line of a CSV file does not name the columns, so that none of its rows can be read.
var ErrHeader = errors.New("no usable header")

// Format is how a file writes its operations.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// ParseFormat reads a format's name; "" derives it from the file's.
func ParseFormat(name, file string) (Format, error) {
	if name == "" {
		switch name = strings.ToLower(filepath.Ext(file)); name {
		case ".jsonl", ".ndjson", ".json":
			return JSONLines, nil
		case ".csv":
			return CSV, nil
		}
		return "", fmt.Errorf("the format of %q can't be told from its name: say --format jsonl or --format csv", file)
	}
	switch f := Format(name); f {
	case JSONLines, CSV:
		return f, nil
	}
	return "", fmt.Errorf("format %q is not known: say jsonl or csv", name)
}

// Row is one line of a file.
type Row struct {
	Line    int    // from 1
	End     int64  // how many bytes of the file end with it
	ID      string // the operation's
	Request operation.Request
	Err     error // why the line can't be read, as a person should see it; the rest but Line and End is then zero
}

// Read yields the rows of a file; empty lines are skipped. It goes on after rows that can't be
// read. An error, which is yielded last, means that the file itself can't be.
func Read(file io.Reader, format Format) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		parse := parseJSON
		lines := newLines(file)
		if format == CSV {
			header, err := readHeader(lines)
			if err != nil {
				yield(Row{}, err)
				return
			}
			parse = header.parse
		}
		for {
			line := lines.next()
			if errors.Is(line.err, io.EOF) {
				return
			}
			upTo, err := 0, line.err
			if errors.Is(err, errLongLine) {
				err = nil
			}
			if err == nil && format == CSV {
				upTo, err = lines.skipValue(&line)
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("reading line %d: %w", line.number, err))
				return
			}
			row := Row{Line: line.number, End: line.end, Err: line.err}
			switch {
			case upTo > 0:
				row.Err = fmt.Errorf("a quoted value goes over the end of its line, up to line %d: write the row in one line", upTo)
			case row.Err == nil && len(bytes.TrimSpace(line.text)) == 0:
				continue
			case row.Err == nil:
				row.ID, row.Request, row.Err = read(line.text, parse)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// fields are a row's, as both formats spell them.
type fields struct {
	ID, Kind, Account, To, Owner, Amount, Overdraft, Currency, Note string
}

// columnNames are the names of all fields; the first three are in every row.
var columnNames = []string{"id", "kind", "account", "to", "owner", "amount", "overdraft", "currency", "note"}

// column returns the field of that name; nil if there is none.
func (f *fields) column(name string) *string {
	switch name {
	case "id":
		return &f.ID
	case "kind":
		return &f.Kind
	case "account":
		return &f.Account
	case "to":
		return &f.To
	case "owner":
		return &f.Owner
	case "amount":
		return &f.Amount
	case "overdraft":
		return &f.Overdraft
	case "currency":
		return &f.Currency
	case "note":
		return &f.Note
	}
	return nil
}

func read(text []byte, parse func([]byte) (fields, error)) (id string, request operation.Request, err error) {
	if !utf8.Valid(text) {
		return "", request, errors.New("the line is not UTF-8")
	}
	f, err := parse(text)
	if err != nil {
		return "", request, err
	}
	if request, err = f.request(); err != nil {
		return "", operation.Request{}, err
	}
	return f.ID, request, nil
}

// request checks what can be checked without the bank.
func (f fields) request() (operation.Request, error) {
	none := operation.Request{}
	if err := validID("id", f.ID); err != nil {
		return none, err
	}
	r := operation.Request{Kind: f.Kind, Account: f.Account, To: f.To, Owner: f.Owner, Note: f.Note}
	var takes []string // beside id, kind and account
	switch f.Kind {
	case operation.Open:
		takes = []string{"owner", "currency", "overdraft"}
	case operation.Deposit, operation.Withdraw:
		takes = []string{"amount", "note"}
	case operation.Transfer:
		takes = []string{"to", "amount", "note"}
	case operation.Close:
	case "":
		return none, errors.New(`"kind" is missing: open, deposit, withdraw, transfer or close`)
	default:
		return none, fmt.Errorf("kind %.40q is none of open, deposit, withdraw, transfer, close", f.Kind)
	}
	if err := f.only(takes); err != nil {
		return none, err
	}
	if err := validID("account", f.Account); err != nil {
		return none, err
	}
	var err error
	switch f.Kind {
	case operation.Open:
		r.Overdraft, err = f.limit()
	case operation.Transfer:
		if err = validID("to", f.To); err != nil {
			return none, err
		}
		fallthrough
	case operation.Deposit, operation.Withdraw:
		if f.Amount == "" {
			return none, errors.New(`"amount" is missing, such as "12.34 EUR"`)
		}
		r.Amount, err = money.Parse(f.Amount)
	}
	return r, err
}

// limit is the overdraft limit of an account to open, which tells its currency as well.
func (f fields) limit() (money.Amount, error) {
	if f.Currency == "" && f.Overdraft == "" {
		return money.Amount{}, errors.New(`"currency" is missing, such as "EUR"`)
	}
	if f.Overdraft == "" {
		currency, err := money.ParseCurrency(f.Currency)
		return money.New(0, currency), err
	}
	limit, err := money.Parse(f.Overdraft)
	if err == nil && f.Currency != "" && f.Currency != string(limit.Currency) {
		return money.Amount{}, fmt.Errorf("currency is %.20q, but the overdraft limit is in %s", f.Currency, limit.Currency)
	}
	return limit, err
}

// only refuses fields that mean nothing for the row's kind: one that is ignored would be a surprise.
func (f fields) only(takes []string) error {
	for _, name := range columnNames[3:] {
		if *f.column(name) != "" && !slices.Contains(takes, name) {
			return fmt.Errorf("%q has no meaning for kind %s: leave it out", name, f.Kind)
		}
	}
	return nil
}

func validID(field, id string) error {
	if id == "" {
		return fmt.Errorf("%q is missing", field)
	}
	if err := operation.CheckID(id); err != nil {
		return fmt.Errorf("%s %.60q: %w", field, id, err)
	}
	return nil
}
