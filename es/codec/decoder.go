package codec

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"unsafe"
)

// Decoder reads one JSON text. Its zero value is of no use: see [NewDecoder].
type Decoder struct {
	data  []byte
	pos   int // of the next byte
	depth int // of open arrays and objects
	keyAt int // where the last name begins

	err   error // the first one
	errAt int

	text string // a copy of the data from textAt on, which decoded strings share
	base int

	names names // of unknown members, to find duplicates
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
	if e, ok := d.err.(*Error); ok {
		return e
	}
	return &Error{Path: pathTo(d.data, d.errAt), Offset: d.errAt, Err: d.err}
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
	return d.peek() == 'n' && d.null()
}

func (d *Decoder) null() bool {
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

// Object begins an object and returns the name of its first member; false if it has none. Use it as
//
//	for name, ok := d.Object(); ok; name, ok = d.Next() {
//
// and read or skip one value each turn. The name is valid until then; see [Decoder.Name].
func (d *Decoder) Object() (name string, ok bool) {
	if d.peek() != '{' {
		d.unexpected("an object")
		return "", false
	}
	if !d.enter() {
		return "", false
	}
	if d.peek() == '}' {
		d.pos++
		d.depth--
		return "", false
	}
	return d.name()
}

// Next returns the name of the next member; false at the end of the object.
func (d *Decoder) Next() (name string, ok bool) {
	if i := d.pos; i+1 < len(d.data) && d.data[i] == ',' && d.data[i+1] == '"' {
		d.pos = i + 1
		return d.name()
	}
	switch d.peek() {
	case ',':
		d.pos++
		d.peek()
		return d.name()
	case '}':
		d.pos++
		d.names.leave(d.depth)
		d.depth--
	default:
		d.unexpected("a comma or the object's end")
	}
	return "", false
}

// name reads a member's name and the colon.
func (d *Decoder) name() (string, bool) {
	b, start := d.data, d.pos+1
	d.keyAt = d.pos
	if start > len(b) || b[start-1] != '"' {
		d.unexpected("a name")
		return "", false
	}
	for i := start; i+8 <= len(b); i += 8 {
		m := special(binary.LittleEndian.Uint64(b[i:]))
		if m == 0 {
			continue
		}
		end := i + bits.TrailingZeros64(m)>>3
		if b[end] == '"' && end+1 < len(b) && b[end+1] == ':' {
			d.pos = end + 2
			return view(b[start:end]), true
		}
		break
	}
	return d.nameSlow()
}

// nameSlow reads names with escapes, beyond ASCII, or with space before the colon.
func (d *Decoder) nameSlow() (string, bool) {
	b, ok := d.stringBytes("a name")
	if !ok {
		return "", false
	}
	if d.peek() != ':' {
		d.unexpected("a colon")
		return "", false
	}
	d.pos++
	return view(b), true
}

// Name returns a copy of the name that Object or Next returned, for a map's key.
func (d *Decoder) Name(name string) string {
	start := d.keyAt + 1
	if start+len(name) <= len(d.data) && unsafe.StringData(name) == unsafe.SliceData(d.data[start:]) {
		return d.own(start, start+len(name))
	}
	return name // has been unescaped into memory of its own
}

// Once marks a field as seen. It fails if that was done before.
func (d *Decoder) Once(seen, field uint64) uint64 {
	if seen&field != 0 {
		d.Duplicate()
	}
	return seen | field
}

// Duplicate fails with [ErrDuplicateName] at the name that was read last.
func (d *Decoder) Duplicate() { d.FailName(ErrDuplicateName) }

// Unique fails with [ErrDuplicateName] if the map had the name before. It is for keys
// that can differ although their names are the same.
func (d *Decoder) Unique(name string) {
	if d.err == nil && !d.names.add(d.depth, name) {
		d.Duplicate()
	}
}

// Missing fails with [ErrMissing] for the first field of required that is not in
// seen. names are those of required, from the lowest bit up.
func (d *Decoder) Missing(seen, required uint64, names ...string) {
	if d.err != nil {
		return
	}
	for _, name := range names {
		field := required & -required
		if seen&field == 0 {
			at := max(d.pos-1, 0)
			d.fail(&Error{Path: join2(pathTo(d.data, at), member(name)), Offset: at, Err: ErrMissing})
			return
		}
		required &^= field
	}
}

func join2(a, b string) string {
	if a == "" {
		return b
	}
	return join(a, b)
}

// Unknown skips a member that no field has the name of. It fails if the object had one of
// the same name before.
func (d *Decoder) Unknown(name string) {
	if d.err != nil {
		return
	}
	if !d.names.add(d.depth, name) {
		d.Duplicate()
		return
	}
	d.Skip()
}

// Array begins an array; false if it is empty. Use it as
//
//	for more := d.Array(); more; more = d.More() {
//
// and read or skip one value each turn.
func (d *Decoder) Array() bool {
	if d.peek() != '[' {
		d.unexpected("an array")
		return false
	}
	if !d.enter() {
		return false
	}
	if d.peek() == ']' {
		d.pos++
		d.depth--
		return false
	}
	return true
}

// Elements guesses how many elements the array has that is next, so that a slice of
// them need not grow. open is what they begin with: '{', or 0 for others.
func (d *Decoder) Elements(open byte) int {
	if d.peek() != '[' {
		return 0
	}
	const most = 256 // a wrong guess must not cost much
	rest := d.data[d.pos+1:]
	if len(rest) > 0 && rest[0] == ']' {
		return 0
	}
	if open == '{' {
		// Up to the first array's end: exact if the elements have no objects in them.
		if end := bytes.Index(rest, []byte("}]")); end >= 0 {
			rest = rest[:end]
		}
		return min(bytes.Count(rest, []byte{'{'}), most)
	}
	if end := bytes.IndexByte(rest, ']'); end >= 0 {
		rest = rest[:end]
	}
	return min(bytes.Count(rest, []byte{','})+1, most)
}

// More reports whether another value follows in the array.
func (d *Decoder) More() bool {
	switch d.peek() {
	case ',':
		d.pos++
		return true
	case ']':
		d.pos++
		d.depth--
	default:
		d.unexpected("a comma or the array's end")
	}
	return false
}

// Length fails with [ErrLength] if the array that was read had not the number of elements that its Go type has.
func (d *Decoder) Length(n, want int) {
	if n != want && d.err == nil {
		d.failAt(wrongf(ErrLength, "%d, want %d", n, want), d.pos-1)
	}
}

// own returns a string that doesn't share the data's memory: a part of one copy of the text.
func (d *Decoder) own(start, end int) string {
	if start == end {
		return ""
	}
	if d.text == "" {
		d.text, d.base = string(d.data[start:]), start
	}
	return d.text[start-d.base : end-d.base]
}

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// stringBytes reads a string. What it returns is part of the data, or memory of its own if
// something was escaped.
func (d *Decoder) stringBytes(want string) ([]byte, bool) {
	if d.peek() != '"' {
		d.unexpected(want)
		return nil, false
	}
	start := d.pos + 1
	i := start
	for {
		i = plainEnd(d.data, i)
		if i >= len(d.data) {
			d.failAt(errEnd, len(d.data))
			return nil, false
		}
		switch c := d.data[i]; {
		case c == '"':
			d.pos = i + 1
			return d.data[start:i:i], true
		case c >= 0x80:
			n := runeLen(d.data[i:])
			if n == 0 {
				d.failAt(ErrInvalidUTF8, i)
				return nil, false
			}
			i += n
		default:
			b, end, err := unescape(append([]byte(nil), d.data[start:i]...), d.data, i)
			if err != nil {
				d.failAt(err, end)
				return nil, false
			}
			d.pos = end + 1
			return b, true
		}
	}
}

// String reads a string.
func (d *Decoder) String() string {
	b, start := d.data, d.pos+1
	if start > len(b) || b[start-1] != '"' {
		return d.stringSlow()
	}
	for i := start; i+8 <= len(b); i += 8 {
		m := special(binary.LittleEndian.Uint64(b[i:]))
		if m == 0 {
			continue
		}
		end := i + bits.TrailingZeros64(m)>>3
		if b[end] == '"' {
			d.pos = end + 1
			return d.own(start, end)
		}
		break
	}
	return d.stringSlow()
}

// stringSlow reads strings with escapes, beyond ASCII, behind space or at the text's end.
func (d *Decoder) stringSlow() string {
	start := d.peekAt() + 1
	b, ok := d.stringBytes("a string")
	if !ok || len(b) == 0 {
		return ""
	}
	if unsafe.SliceData(b) == unsafe.SliceData(d.data[start:]) {
		return d.own(start, start+len(b))
	}
	return view(b)
}

// QuotedString reads a JSON string within a JSON string, see [AppendQuotedString].
func (d *Decoder) QuotedString() string {
	at := d.peekAt()
	b, ok := d.stringBytes("a string")
	if !ok {
		return ""
	}
	inner := NewDecoder(b)
	if len(b) == 0 || b[0] != '"' {
		d.failAt(wrongf(ErrFormat, `the tag ",string" wants a JSON string within the string`), at)
		return ""
	}
	s := inner.String()
	if inner.err == nil && inner.pos != len(b) {
		inner.err = wrongf(ErrFormat, "unexpected text behind the quoted string")
	}
	if inner.err != nil {
		d.failAt(inner.err, at)
	}
	return s
}

func (d *Decoder) peekAt() int {
	d.peek()
	return d.pos
}

// Quote reads the quote before or behind a value that the tag ",string" puts into a
// string. No space is allowed between the two.
func (d *Decoder) Quote(opening bool) {
	if opening {
		if d.peek() != '"' {
			d.unexpected("a string")
			return
		}
		d.pos++
		if d.pos < len(d.data) && d.data[d.pos] <= ' ' {
			d.fail(wrongf(ErrFormat, "unexpected space in a quoted value"))
		}
		return
	}
	if d.pos >= len(d.data) || d.data[d.pos] != '"' {
		d.fail(wrongf(ErrFormat, "unexpected text in a quoted value"))
		return
	}
	d.pos++
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	switch d.peek() {
	case 't':
		if d.literal("true") {
			return true
		}
	case 'f':
		if d.literal("false") {
			return false
		}
	}
	d.unexpected("true or false")
	return false
}
