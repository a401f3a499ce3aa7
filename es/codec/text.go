package codec

import (
	"math/bits"
	"unsafe"
)

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
		m := special(word(b, i))
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
