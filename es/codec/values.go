package codec

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"time"
	"unsafe"

	"github.com/google/uuid"
)

// Time reads a string that [ParseTime] accepts.
func (d *Decoder) Time() time.Time {
	// Most times have no fraction, and are in UTC.
	const length = len(`"2006-01-02T15:04:05Z"`)
	if b, at := d.data, d.pos; at+length <= len(b) && b[at] == '"' && b[at+length-2] == 'Z' && b[at+length-1] == '"' {
		if unix, ok := parseSeconds(b[at+1:]); ok {
			d.pos = at + length
			return time.Unix(unix, 0).UTC()
		}
	}
	return d.timeSlow()
}

func (d *Decoder) timeSlow() time.Time {
	at := d.peekAt()
	if start := at + 1; start < len(d.data) && d.data[at] == '"' {
		// What parses has nothing to unescape.
		if t, n := parseTime(d.data[start:]); n > 0 && start+n < len(d.data) && d.data[start+n] == '"' {
			d.pos = start + n + 1
			return t
		}
	}
	b, ok := d.stringBytes("a time")
	if !ok {
		return time.Time{}
	}
	t, n := parseTime(b)
	if n == 0 || n != len(b) {
		d.failAt(wrongf(ErrFormat, "%q is no RFC 3339 time", b), at)
	}
	return t
}

// UUID reads a string in one of the forms that uuid.UUID's UnmarshalText accepts, to where it belongs: an array that
// is returned would be written byte by byte and then copied at once, which makes the processor wait.
func (d *Decoder) UUID(id *uuid.UUID) {
	at := d.peekAt()
	if end := at + 37; end < len(d.data) && d.data[at] == '"' && d.data[end] == '"' && parseUUID(id, d.data[at+1:end]) {
		d.pos = end + 1
		return
	}
	*id = uuid.UUID{}
	b, ok := d.stringBytes("a UUID")
	if !ok {
		return
	}
	parsed, err := uuid.ParseBytes(b)
	if err != nil {
		d.failAt(wrongf(ErrFormat, "%q is no UUID", b), at)
		return
	}
	*id = parsed
}

// ParseUUID reads the UUID in a map's key.
func ParseUUID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(name)
	if err != nil {
		return uuid.UUID{}, wrongf(ErrFormat, "%q is no UUID", name)
	}
	return id, nil
}

var hexValues = func() (t [256]byte) {
	for i := range t {
		v, ok := hexValue(byte(i))
		if !ok {
			v = 0xff
		}
		t[i] = v
	}
	return t
}()

// parseUUID reads the usual form.
func parseUUID(id *uuid.UUID, b []byte) bool {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	var bad byte
	for i, at := range [16]byte{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		high, low := hexValues[b[at]], hexValues[b[at+1]]
		bad |= high | low
		id[i] = high<<4 | low
	}
	return bad < 16
}

// Bytes reads a base64 string; null gives nil.
func Bytes[B ~uint8](d *Decoder) []B {
	if d.Null() {
		return nil
	}
	at := d.peekAt()
	text, ok := d.stringBytes("a base64 string")
	if !ok {
		return nil
	}
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(raw, text)
	// Line breaks, which the decoder passes over, make the text longer than it need be.
	if err != nil || len(text) != base64.StdEncoding.EncodedLen(n) {
		d.failAt(wrongf(ErrFormat, "invalid base64"), at)
		return nil
	}
	raw = raw[:n:n]
	return unsafe.Slice((*B)(unsafe.Pointer(unsafe.SliceData(raw))), n)
}

// Raw reads any value and returns a copy of its text.
func (d *Decoder) Raw() []byte { return bytes.Clone(d.raw()) }

func (d *Decoder) raw() []byte {
	at := d.peekAt()
	d.Skip()
	if d.err != nil {
		return nil
	}
	return d.data[at:d.pos:d.pos]
}

// Unmarshal gives the next value, whatever it is, to v. v gets no part of the
// data that it may keep, as with encoding/json.
func (d *Decoder) Unmarshal(v Unmarshaler) {
	at := d.peekAt()
	raw := d.raw()
	if d.err != nil {
		return
	}
	if err := v.UnmarshalJSON(raw); err != nil {
		d.failAt(err, at)
	}
}

// Text gives the content of the next string to v.
func (d *Decoder) Text(v encoding.TextUnmarshaler) {
	at := d.peekAt()
	b, ok := d.stringBytes("a string")
	if !ok {
		return
	}
	if err := v.UnmarshalText(b); err != nil {
		d.failAt(err, at)
	}
}
