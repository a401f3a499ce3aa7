package codec

import (
	"encoding"
	"encoding/base64"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unsafe"

	"github.com/google/uuid"
)

func failed(err error) error { return &Error{Offset: -1, Err: err} }

// AppendInt appends a signed integer.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n // of the least one, the same bits
	}
	return AppendUint(dst, uint64(n))
}

// AppendUint appends an unsigned integer.
func AppendUint(dst []byte, n uint64) []byte {
	switch { // most are short
	case n < 10:
		return append(dst, '0'+byte(n))
	case n < 100:
		return append(dst, pairs[n*2], pairs[n*2+1])
	case n < 10_000:
		high, low := n/100, n%100
		if high < 10 {
			return append(dst, '0'+byte(high), pairs[low*2], pairs[low*2+1])
		}
		return append(dst, pairs[high*2], pairs[high*2+1], pairs[low*2], pairs[low*2+1])
	}
	start, count := len(dst), digitCount(n)
	dst = slices.Grow(dst, count)[:start+count]
	out := dst[start:]
	i := len(out)
	for n >= 100 && i >= 2 {
		i -= 2
		q := n / 100
		pair := (n - q*100) * 2
		out[i], out[i+1] = pairs[pair], pairs[pair+1]
		n = q
	}
	if n >= 10 {
		out[0], out[1] = pairs[n*2], pairs[n*2+1]
	} else {
		out[0] = '0' + byte(n)
	}
	return dst
}

// digitCount returns how many decimal digits n has: log10(2) is about 1233/4096.
func digitCount(n uint64) int {
	guess := bits.Len64(n) * 1233 >> 12
	_, less := bits.Sub64(n, tens[guess&31], 0)
	return guess + 1 - int(less)
}

// tens are the powers of ten; the first one makes 0 a number of one digit. None is looked up beyond the last.
var tens = [32]uint64{0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839" +
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879" +
	"8081828384858687888990919293949596979899"

// AppendFloat64 appends a number in the shortest form that reads back as f. It
// fails with [ErrNotFinite].
func AppendFloat64(dst []byte, f float64) ([]byte, error) {
	if out, ok := appendDecimal(dst, f); ok {
		return out, nil
	}
	return appendFloat(dst, f, 64)
}

// AppendFloat32 appends a number in the shortest form that reads back as f. It
// fails with [ErrNotFinite].
func AppendFloat32(dst []byte, f float32) ([]byte, error) {
	if n := int64(f); float32(n) == f && -1<<24 < n && n < 1<<24 && (n != 0 || !math.Signbit(float64(f))) {
		return AppendInt(dst, n), nil
	}
	return appendFloat(dst, float64(f), 32)
}

// appendDecimal handles numbers with up to 15 digits, of them 6 behind the
// point: so many digits are told apart by a float64, hence the decimal number
// that rounds to f is the shortest one that does.
func appendDecimal(dst []byte, f float64) ([]byte, bool) {
	abs := math.Abs(f)
	if !(abs < 1e15) {
		return dst, false
	}
	if n := uint64(abs); float64(n) == abs {
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return AppendUint(dst, n), true
	}
	if abs < 1e-3 {
		return dst, false // few such numbers are short
	}
	scaled := abs * 100
	n := uint64(scaled + 0.5)
	digits := 2
	if n >= 1e15 || float64(n)/100 != abs {
		if abs >= 1e9 {
			return dst, false
		}
		n = uint64(abs*1e6 + 0.5)
		digits = 6
		if float64(n)/1e6 != abs {
			return dst, false
		}
	}
	for n%10 == 0 {
		n /= 10
		digits--
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	whole, fraction := n/pow10[digits], n%pow10[digits]
	dst = AppendUint(dst, whole)
	dst = append(dst, '.')
	for i := digits - 1; i > 0 && fraction < pow10[i]; i-- {
		dst = append(dst, '0')
	}
	return AppendUint(dst, fraction), true
}

var pow10 = [...]uint64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, failed(ErrNotFinite)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 becomes e-9
		dst = dst[:n-1]
	}
	return dst, nil
}

// AppendNumber appends a json.Number, 0 for the empty one. It fails with
// [ErrFormat] on what is no JSON number.
func AppendNumber[N ~string](dst []byte, n N) ([]byte, error) {
	if n == "" {
		return append(dst, '0'), nil
	}
	if end := numberEnd(unsafe.Slice(unsafe.StringData(string(n)), len(n)), 0); end != len(n) {
		return dst, failed(wrongf(ErrFormat, "%q is no number", string(n)))
	}
	return append(dst, n...), nil
}

// AppendBytes appends a base64 string, null for a nil slice.
func AppendBytes[B ~uint8](dst []byte, b []B) []byte {
	if b == nil {
		return append(dst, "null"...)
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, '"')
}

// AppendUUID appends a string of hyphenated lower-case hex digits.
func AppendUUID(dst []byte, id uuid.UUID) []byte {
	dst = append(dst, `"00000000-0000-0000-0000-000000000000"`...)
	out := dst[len(dst)-38:]
	hexPairs(out[1:9], id[:4])
	hexPairs(out[10:14], id[4:6])
	hexPairs(out[15:19], id[6:8])
	hexPairs(out[20:24], id[8:10])
	hexPairs(out[25:37], id[10:])
	return dst
}

func hexPairs(dst, src []byte) {
	for i, c := range src {
		dst[2*i], dst[2*i+1] = hexDigits[c>>4], hexDigits[c&15]
	}
}

const hexDigits = "0123456789abcdef"

// AppendRaw appends a JSON value, compacted, null for a nil one. It fails if
// the value is one that decoding would refuse.
func AppendRaw(dst []byte, raw []byte) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	return appendCompact(dst, raw)
}

// Marshaler is the encoding half of a type that marshals itself, as in encoding/json.
type Marshaler interface{ MarshalJSON() ([]byte, error) }

// Unmarshaler is the decoding half of a type that marshals itself, as in encoding/json.
type Unmarshaler interface{ UnmarshalJSON([]byte) error }

// AppendMarshaler appends what v writes, compacted. It fails if v does, or if
// what v wrote is not a JSON value that decoding accepts.
func AppendMarshaler(dst []byte, v Marshaler) ([]byte, error) {
	text, err := v.MarshalJSON()
	if err != nil {
		return dst, failed(err)
	}
	return appendCompact(dst, text)
}

// AppendText appends the text of v as a string. It fails if v does, and on invalid UTF-8.
func AppendText(dst []byte, v encoding.TextMarshaler) ([]byte, error) {
	text, err := v.MarshalText()
	if err != nil {
		return dst, failed(err)
	}
	return AppendString(dst, unsafe.String(unsafe.SliceData(text), len(text)))
}
