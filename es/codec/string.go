package codec

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// AppendString appends s in quotes. It fails with [ErrInvalidUTF8].
func AppendString(dst []byte, s string) ([]byte, error) {
	dst, err := AppendChars(append(dst, '"'), s)
	if err != nil {
		return dst, err
	}
	return append(dst, '"'), nil
}

// AppendChars appends s as it stands between quotes, which belong to constant text around it. It fails with [ErrInvalidUTF8].
func AppendChars(dst []byte, s string) ([]byte, error) {
	// One check of the capacity: below, nothing is written beyond the length of s.
	start, n := len(dst), len(s)
	if cap(dst)-start < n {
		dst = slices.Grow(dst, n)
	}
	if n == 0 {
		return dst, nil
	}
	from, to := unsafe.Pointer(unsafe.StringData(s)), unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), start)
	// Most strings are plain. Two words that may overlap are the end of any but a short one.
	switch {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			x := load(from, i)
			if special(x) != 0 {
				return appendEscaped(dst, s)
			}
			store(to, i, x)
		}
		last := load(from, n-8)
		if special(last) != 0 {
			return appendEscaped(dst, s)
		}
		store(to, n-8, last)
	case n >= 4:
		first, last := load4(from, 0), load4(from, n-4)
		if special(uint64(first)|uint64(last)<<32) != 0 {
			return appendEscaped(dst, s)
		}
		store4(to, 0, first)
		store4(to, n-4, last)
	default:
		first, middle, last := s[0], s[n/2], s[n-1]
		if !plain[first] || !plain[middle] || !plain[last] {
			return appendEscaped(dst, s)
		}
		*(*byte)(to), *(*byte)(unsafe.Add(to, n/2)), *(*byte)(unsafe.Add(to, n-1)) = first, middle, last
	}
	return dst[:start+n], nil
}

// AppendQuotedString appends s as a JSON string within a JSON string, which is
// what the tag ",string" asks for. It fails with [ErrInvalidUTF8].
func AppendQuotedString(dst []byte, s string) ([]byte, error) {
	inner, err := AppendString(nil, s)
	if err != nil {
		return dst, err
	}
	return AppendString(dst, string(inner))
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// word returns the eight bytes from b[i] on. They must be within b: that isn't checked again.
func word(b []byte, i int) uint64 {
	return load(unsafe.Pointer(unsafe.SliceData(b)), i)
}

// load returns the eight bytes that begin i behind p, and store puts eight there.
func load(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

func store(p unsafe.Pointer, i int, x uint64) {
	binary.LittleEndian.PutUint64((*[8]byte)(unsafe.Add(p, i))[:], x)
}

// load4 and store4 are the same for four bytes.
func load4(p unsafe.Pointer, i int) uint32 {
	return binary.LittleEndian.Uint32((*[4]byte)(unsafe.Add(p, i))[:])
}

func store4(p unsafe.Pointer, i int, x uint32) {
	binary.LittleEndian.PutUint32((*[4]byte)(unsafe.Add(p, i))[:], x)
}

// special has the high bit set in the lowest byte of x that can't stand for
// itself within a JSON string, or isn't ASCII; what is above it may be wrong.
func special(x uint64) uint64 {
	// The first xor moves the quote next to the control characters.
	control, slash := x^2*ones, x^'\\'*ones
	return (x | (control - ('"'-1)*ones) | (slash - ones)) & highs
}

// plainPrefix returns how many bytes of s are ASCII without need of escaping.
func plainPrefix(s string) int {
	return plainEnd(unsafe.Slice(unsafe.StringData(s), len(s)), 0)
}

// plainEnd returns the index of the first byte from i on that is not ASCII or
// would be escaped in a string; len(b) if there is none.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := special(word(b, i)); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if !plain[b[i]] {
			return i
		}
	}
	return i
}

// plain has the ASCII characters that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendEscaped is AppendChars where something needs escaping or isn't ASCII.
func appendEscaped(dst []byte, s string) ([]byte, error) {
	for len(s) > 0 {
		c := s[0]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s)
			if r == utf8.RuneError && n == 1 {
				return dst, failed(ErrInvalidUTF8)
			}
			if r == '\u2028' || r == '\u2029' {
				dst = append(dst, `\u202`...)
				dst = append(dst, hexDigits[r&15])
			} else {
				dst = append(dst, s[:n]...)
			}
			s = s[n:]
			continue
		}
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
			s = s[1:]
		case '\b':
			dst = append(dst, '\\', 'b')
			s = s[1:]
		case '\f':
			dst = append(dst, '\\', 'f')
			s = s[1:]
		case '\n':
			dst = append(dst, '\\', 'n')
			s = s[1:]
		case '\r':
			dst = append(dst, '\\', 'r')
			s = s[1:]
		case '\t':
			dst = append(dst, '\\', 't')
			s = s[1:]
		default:
			if c < ' ' {
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
				s = s[1:]
				continue
			}
			n := plainPrefix(s)
			dst = append(dst, s[:n]...)
			s = s[n:]
		}
	}
	return dst, nil
}

// unescape appends the content of a string that begins at b[i] and ends at
// the first quote, and returns the index of the quote. The error is nil,
// ErrInvalidUTF8 or one of syntax, at the returned index.
func unescape(dst, b []byte, i int) ([]byte, int, error) {
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			return dst, i, nil
		case c == '\\':
			if i+1 >= len(b) {
				return dst, len(b), errEnd
			}
			if b[i+1] == 'u' {
				r, n, err := unescapeRune(b[i:])
				if err != nil {
					return dst, i, err
				}
				dst = utf8.AppendRune(dst, r)
				i += n
				continue
			}
			c, ok := unescapeByte(b[i+1])
			if !ok {
				return dst, i, wrongf(ErrSyntax, "unknown escape in a string")
			}
			dst = append(dst, c)
			i += 2
		case c < ' ':
			return dst, i, wrongf(ErrSyntax, "control character %#02x in a string", c)
		case c >= utf8.RuneSelf:
			n := runeLen(b[i:])
			if n == 0 {
				return dst, i, ErrInvalidUTF8
			}
			dst = append(dst, b[i:i+n]...)
			i += n
		default:
			end := plainEnd(b, i)
			dst = append(dst, b[i:end]...)
			i = end
		}
	}
	return dst, len(b), errEnd
}

// runeLen returns the length of the UTF-8 sequence at the start of b, 0 for an
// invalid one.
func runeLen(b []byte) int {
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n <= 1 {
		return 0
	}
	return n
}

func unescapeByte(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// unescapeRune reads one \uXXXX, or two that are a pair of surrogates.
func unescapeRune(b []byte) (rune, int, error) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0, wrongf(ErrSyntax, `\u without four hex digits in a string`)
	}
	if r < 0xD800 || r > 0xDFFF {
		return r, 6, nil
	}
	low, ok := rune(0), false
	if r < 0xDC00 && len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		low, ok = hex4(b[6:])
	}
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, 0, wrongf(ErrInvalidUTF8, "lone surrogate in a string")
	}
	return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, 12, nil
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 {
		return 0, false
	}
	for _, c := range b[2:6] {
		d, ok := hexValue(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexValue(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
