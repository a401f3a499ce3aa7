package codec

import (
	"math/bits"
	"strings"
	"unsafe"
)

// chars is memory for decoded strings: as much as the text that is left, so that none has to be checked for room while it
// is copied. Beyond 1 KiB it isn't zeroed, and most of what no string needs is never touched.
type chars struct {
	memory unsafe.Pointer
	size   int
	used   int
}

// reserve makes room for n bytes.
func (c *chars) reserve(n int) {
	c.size, c.used = n, 0
	if n <= 1<<10 {
		c.memory = unsafe.Pointer(unsafe.SliceData(make([]byte, n)))
		return
	}
	var b strings.Builder // the one way to memory that isn't zeroed
	b.Grow(n)
	b.WriteByte(0)
	c.memory = unsafe.Pointer(unsafe.StringData(b.String()))
}

// own returns a copy of a part of the data.
func (d *Decoder) own(start, end int) string {
	if start == end {
		return ""
	}
	c := &d.chars
	if c.size-c.used < end-start {
		c.reserve(len(d.data) - start)
	}
	to := unsafe.Slice((*byte)(unsafe.Add(c.memory, c.used)), end-start)
	c.used += copy(to, d.data[start:end])
	return view(to)
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
	if start+8 > len(b) || b[start-1] != '"' {
		return d.stringSlow()
	}
	c := &d.chars
	if c.size-c.used < len(b)-start {
		if b[start] == '"' {
			return d.stringSlow()
		}
		c.reserve(len(b) - start)
	}
	// What is checked is copied at once. A word that is within the text has room, too.
	to := unsafe.Add(c.memory, c.used)
	for i := start; i+8 <= len(b); i += 8 {
		x := word(b, i)
		store(to, i-start, x)
		m := special(x)
		if m == 0 {
			continue
		}
		end := i + bits.TrailingZeros64(m)>>3
		if b[end] == '"' {
			d.pos = end + 1
			c.used += end - start
			if end == start {
				return ""
			}
			return unsafe.String((*byte)(to), end-start)
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
