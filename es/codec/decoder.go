package codec

import (
	"bytes"
	"errors"
)

// Decoder reads one JSON text. Its zero value is of no use: see [NewDecoder]. It must not be copied once it has read
// anything: both copies would write to one memory.
type Decoder struct {
	data  []byte
	pos   int // of the next byte
	depth int // of open arrays and objects
	keyAt int // where the last name begins

	err     error // the first one
	errAt   int
	missing string // the name of the required field, if that is the error

	chars chars

	names names // of unknown members, to find duplicates

	slabs  [3]slab
	around around
}

// NewDecoder returns a decoder of data, which must not change until the decoder is
// done. Decoded values don't refer to it.
func NewDecoder(data []byte) Decoder {
	return Decoder{data: data}
}

// End returns the first error, an [*Error], or one if anything but space is left of the text.
func (d *Decoder) End() error {
	if d.err == nil {
		if d.peek(); d.pos == len(d.data) {
			return nil
		}
		d.fail(wrongf(ErrSyntax, "unexpected text behind the value"))
	}
	return d.report()
}

func (d *Decoder) report() error {
	e := &Error{Path: pathTo(d.data, d.errAt), Offset: d.errAt, Err: d.err}
	var inner *Error
	if d.missing != "" {
		e.Path = join(e.Path, member(d.missing))
	} else if errors.As(d.err, &inner) {
		// From an UnmarshalJSON that uses this package, too.
		e.Path, e.Err = join(e.Path, inner.Path), inner.Err
	}
	return e
}

// FailName makes err the decoder's error, at the name that was read last, unless it
// has an error already.
func (d *Decoder) FailName(err error) { d.failAt(err, d.keyAt+1) }

// fail keeps the first error, and moves to the end of the text, so that every
// loop over it ends.
func (d *Decoder) fail(err error) { d.failAt(err, d.pos) }

func (d *Decoder) failAt(err error, at int) {
	if d.err == nil {
		d.err, d.errAt = err, at
	}
	d.pos = len(d.data)
}

var errEnd = wrongf(ErrSyntax, "unexpected end of the text")

// unexpected fails at the next byte, which doesn't begin what is wanted.
func (d *Decoder) unexpected(want string) {
	switch {
	case d.pos >= len(d.data):
		d.fail(errEnd)
	case d.literal("null"):
		d.failAt(ErrNull, d.pos-4)
	case bytes.IndexByte([]byte(`{["tf-0123456789`), d.data[d.pos]) >= 0:
		d.fail(wrongf(ErrType, "want %s", want))
	default:
		d.fail(wrongf(ErrSyntax, "unexpected %q, want %s", d.data[d.pos], want))
	}
}

// peek moves over space and returns the next byte, 0 at the end.
func (d *Decoder) peek() byte {
	if d.pos < len(d.data) && d.data[d.pos] > ' ' {
		return d.data[d.pos]
	}
	return d.space()
}

func (d *Decoder) space() byte {
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// literal moves over word, if it is next.
func (d *Decoder) literal(word string) bool {
	if end := d.pos + len(word); end <= len(d.data) && string(d.data[d.pos:end]) == word {
		d.pos = end
		return true
	}
	return false
}

// Null reports whether the next value is null, and if so moves over it.
func (d *Decoder) Null() bool {
	if at := d.pos; at < len(d.data) && d.data[at] > ' ' && d.data[at] != 'n' {
		return false
	}
	return d.null()
}

// null is Null behind space, and where a null probably is.
func (d *Decoder) null() bool {
	if d.peek() != 'n' {
		return false
	}
	if !d.literal("null") {
		d.fail(wrongf(ErrSyntax, "unexpected %q", 'n'))
	}
	return true
}

func (d *Decoder) enter() bool {
	d.pos++
	d.depth++
	if d.depth > MaxDepth {
		d.failAt(ErrDepth, d.pos-1)
		return false
	}
	return true
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	d.peek()
	if rest := d.data[d.pos:]; len(rest) >= 5 {
		switch {
		case string(rest[:4]) == "true":
			d.pos += 4
			return true
		case string(rest[:5]) == "false":
			d.pos += 5
			return false
		}
	}
	return d.boolSlow()
}

// boolSlow reads a bool at the text's end, and tells why something else is none.
func (d *Decoder) boolSlow() bool {
	switch {
	case d.literal("true"):
		return true
	case !d.literal("false"):
		d.unexpected("true or false")
	}
	return false
}
