package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

var errLongLine = fmt.Errorf("the line is longer than %d bytes", MaxLine)

// line is one of a file.
type line struct {
	text   []byte // without its end; none if it is longer than MaxLine
	number int    // from 1
	end    int64  // how many bytes of the file end with it
	err    error  // errLongLine; or why there is no such line, which is io.EOF after the last

	// How it ends where it begins outside of a quoted value of CSV, and where it begins inside.
	outside, inside quoting
}

// lines reads a file line by line, skipping what is longer than MaxLine.
type lines struct {
	in    *bufio.Reader
	last  line   // read from the file; its text is valid until the next is
	ahead []line // read from the file, and not yet returned
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, MaxLine+2)} } // CR, LF

// next returns the next line. Its text is valid until the next call.
func (l *lines) next() line {
	if len(l.ahead) > 0 {
		first := l.ahead[0]
		l.ahead = l.ahead[1:]
		return first
	}
	return l.read()
}

// read reads a line from the file.
func (l *lines) read() line {
	if l.last.err != nil && !errors.Is(l.last.err, errLongLine) {
		return l.last // it stays at its end
	}
	n := line{number: l.last.number + 1, end: l.last.end, inside: quoted}
	var err error
	for parts := 0; ; parts++ {
		n.text, err = l.in.ReadSlice('\n')
		n.end += int64(len(n.text))
		n.outside, n.inside = n.outside.after(n.text), n.inside.after(n.text)
		if parts > 0 {
			n.err = errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
	}
	if err != nil && (!errors.Is(err, io.EOF) || n.end == l.last.end) {
		n.err = err
	}
	n.text = bytes.TrimSuffix(bytes.TrimSuffix(n.text, []byte("\n")), []byte("\r"))
	if n.number == 1 {
		n.text = bytes.TrimPrefix(n.text, []byte("\ufeff")) // a byte order mark, as spreadsheets write it
	}
	if n.err == nil && len(n.text) > MaxLine {
		n.err = errLongLine
	}
	if n.err != nil {
		n.text = nil
	}
	l.last = n
	return n
}

// maxValue bounds how far the end of a quoted value is looked for, in bytes.
const maxValue = 1 << 20

// skipValue skips the rest of a quoted value of CSV that goes over the end of the line n, and returns the number
// of the line that it goes up to; 0 if none does.
//
// The lines of such a value are no rows, even where they look like some: it may be what a customer wrote. But a quote
// that never closes, or closes where none can, was forgotten, and then the lines after it are rows.
func (l *lines) skipValue(n *line) (upTo int, err error) {
	if n.outside != quoted {
		return 0, nil
	}
	n.text = bytes.Clone(n.text)
	for i := 0; ; i++ {
		if i == len(l.ahead) {
			next := l.read()
			next.text = bytes.Clone(next.text)
			l.ahead = append(l.ahead, next)
		}
		switch next := l.ahead[i]; {
		case next.err != nil && !errors.Is(next.err, errLongLine), next.inside == misquoted:
			return 0, nil
		case next.end-n.end > maxValue:
			return 0, fmt.Errorf("a quoted value begins here and has no end within %d bytes: close it", maxValue)
		case next.inside != quoted:
			n.end, l.ahead = next.end, l.ahead[i+1:]
			return next.number, nil
		}
	}
}

// quoting is where in a record of CSV a reader is.
type quoting int

const (
	atValue   quoting = iota // where a value begins
	unquoted                 // inside of one without quotes
	quoted                   // inside of one with quotes
	quote                    // after a quote in such a value, which ends it or stands before another
	quoteCR                  // after that and a carriage return, which can only be the line's end
	misquoted                // after a quote where none can be
)

// after returns the state after more of a line was read.
func (q quoting) after(text []byte) quoting {
	for _, c := range text {
		switch {
		case q == misquoted || c == '\n':
		case q == quoted:
			if c == '"' {
				q = quote
			}
		case q == quote && c == '"':
			q = quoted
		case q == quote && c == '\r':
			q = quoteCR
		case c == ',' && q != quoteCR:
			q = atValue
		case c == '"' && q == atValue:
			q = quoted
		case c == '"' || q == quote || q == quoteCR:
			q = misquoted
		default:
			q = unquoted
		}
	}
	return q
}
