package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

var errLongLine = fmt.Errorf("the line is longer than %d bytes", MaxLine)

// lines reads a file line by line, skipping what is longer than MaxLine.
type lines struct {
	in     *bufio.Reader
	number int   // of the last line read, from 1
	end    int64 // where it ends
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, MaxLine+2)} } // CR, LF

// next returns the next line without its end, valid until the next call, or errLongLine, after
// which it goes on, or io.EOF.
func (l *lines) next() ([]byte, error) {
	l.number++
	line, err := l.in.ReadSlice('\n')
	l.end += int64(len(line))
	if len(line) == 0 && err != nil {
		return nil, err
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.in.ReadSlice('\n')
			l.end += int64(len(line))
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = errLongLine
		}
		return nil, err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	if l.number == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff")) // a byte order mark, as spreadsheets write it
	}
	if len(line) > MaxLine {
		return nil, errLongLine
	}
	return line, nil
}
