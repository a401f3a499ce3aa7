package codec

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Int reads an integer of type int.
func (d *Decoder) Int() int { return int(d.signed(math.MinInt, math.MaxInt)) }

// Int8 reads an integer of 8 bits.
func (d *Decoder) Int8() int8 { return int8(d.signed(math.MinInt8, math.MaxInt8)) }

// Int16 reads an integer of 16 bits.
func (d *Decoder) Int16() int16 { return int16(d.signed(math.MinInt16, math.MaxInt16)) }

// Int32 reads an integer of 32 bits.
func (d *Decoder) Int32() int32 { return int32(d.signed(math.MinInt32, math.MaxInt32)) }

// Int64 reads an integer of 64 bits.
func (d *Decoder) Int64() int64 { return d.signed(math.MinInt64, math.MaxInt64) }

// Uint reads an integer of type uint.
func (d *Decoder) Uint() uint { return uint(d.unsigned(math.MaxUint)) }

// Uint8 reads an unsigned integer of 8 bits.
func (d *Decoder) Uint8() uint8 { return uint8(d.unsigned(math.MaxUint8)) }

// Uint16 reads an unsigned integer of 16 bits.
func (d *Decoder) Uint16() uint16 { return uint16(d.unsigned(math.MaxUint16)) }

// Uint32 reads an unsigned integer of 32 bits.
func (d *Decoder) Uint32() uint32 { return uint32(d.unsigned(math.MaxUint32)) }

// Uint64 reads an unsigned integer of 64 bits.
func (d *Decoder) Uint64() uint64 { return d.unsigned(math.MaxUint64) }

// Uintptr reads an integer of type uintptr.
func (d *Decoder) Uintptr() uintptr { return uintptr(d.unsigned(uint64(^uintptr(0)))) }

func (d *Decoder) signed(low, high int64) int64 {
	at, i := d.pos, d.pos
	negative := i < len(d.data) && d.data[i] == '-'
	if negative {
		i++
	}
	magnitude, end := fewDigits(d.data, i)
	if end == 0 {
		return d.signedSlow(low, high)
	}
	d.pos = end
	n := int64(magnitude)
	if negative {
		n = -n
	}
	if n < low || n > high {
		d.failAt(ErrRange, at)
		return 0
	}
	return n
}

// fewDigits reads an integer of up to 18 digits, which begin at b[i], and returns where they end; 0 if that is not what
// there is, or if nothing is behind it.
func fewDigits(b []byte, i int) (n uint64, end int) {
	start := i
	for ; i < len(b); i++ {
		digit := b[i] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + uint64(digit)
	}
	if uint(i-start-1) >= 18 || i == len(b) || goesOn[b[i]] || b[start] == '0' && i > start+1 {
		return 0, 0
	}
	return n, i
}

// goesOn has what makes a number of an integer that is more than that.
var goesOn = [256]bool{'.': true, 'e': true, 'E': true}

// signedSlow reads integers behind space, with many digits or at the text's end, and tells why something else is none.
func (d *Decoder) signedSlow(low, high int64) int64 {
	at := d.peekAt()
	negative := at < len(d.data) && d.data[at] == '-'
	if negative {
		d.pos++
	}
	n, ok := d.magnitude(at)
	if !ok {
		return 0
	}
	if negative {
		if n > -uint64(low) {
			d.failAt(ErrRange, at)
			return 0
		}
		return -int64(n)
	}
	if n > uint64(high) {
		d.failAt(ErrRange, at)
		return 0
	}
	return int64(n)
}

func (d *Decoder) unsigned(high uint64) uint64 {
	at := d.pos
	n, end := fewDigits(d.data, at)
	if end == 0 {
		return d.unsignedSlow(high)
	}
	d.pos = end
	if n > high {
		d.failAt(ErrRange, at)
		return 0
	}
	return n
}

// unsignedSlow is like signedSlow.
func (d *Decoder) unsignedSlow(high uint64) uint64 {
	at := d.peekAt()
	if at < len(d.data) && d.data[at] == '-' {
		if numberEnd(d.data, at) < 0 {
			d.fail(wrongf(ErrSyntax, "invalid number"))
		} else {
			d.failAt(ErrRange, at)
		}
		return 0
	}
	n, ok := d.magnitude(at)
	if n > high {
		d.failAt(ErrRange, at)
		return 0
	}
	if !ok {
		return 0
	}
	return n
}

// magnitude reads the digits of an integer that begins at at.
func (d *Decoder) magnitude(at int) (uint64, bool) {
	const anyFit = 19 // so many digits
	b, start := d.data, d.pos
	i := start
	var n uint64
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	digits := i - start
	if digits == 0 || digits > 1 && b[start] == '0' || i < len(b) && (b[i] == '.' || b[i]|0x20 == 'e') {
		d.noInteger(at)
		return 0, false
	}
	if digits > anyFit && !fits(b[start:i]) {
		d.failAt(ErrRange, at)
		return 0, false
	}
	d.pos = i
	return n, true
}

// fits reports whether a number of 20 digits or more is one of 64 bits.
func fits(digits []byte) bool {
	const largest = "18446744073709551615"
	return len(digits) == len(largest) && string(digits) <= largest
}

// noInteger tells why what begins at at is no integer.
func (d *Decoder) noInteger(at int) {
	d.pos = at
	if at >= len(d.data) || d.data[at] != '-' && (d.data[at] < '0' || d.data[at] > '9') {
		d.unexpected("an integer")
		return
	}
	if numberEnd(d.data, at) < 0 {
		d.fail(wrongf(ErrSyntax, "invalid number"))
		return
	}
	d.fail(wrongf(ErrType, "a fraction or an exponent in an integer"))
}

// numberEnd returns the end of the JSON number that begins at b[i], -1 if there is none.
func numberEnd(b []byte, i int) int {
	digits := func() bool {
		start := i
		for i < len(b) && '0' <= b[i] && b[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	if !digits() || b[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return -1
		}
	}
	return i
}

// Float64 reads a number.
func (d *Decoder) Float64() float64 {
	f, end, ok := shortFloat(d.data, d.peekAt())
	if ok {
		d.pos = end
		return f
	}
	return d.float(64)
}

// Float32 reads a number that fits a float32.
func (d *Decoder) Float32() float32 {
	d.peek()
	return float32(d.float(32))
}

func (d *Decoder) float(bits int) float64 {
	text, ok := d.number()
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(text, bits)
	if err != nil {
		d.failAt(ErrRange, d.pos-len(text))
		return 0
	}
	return f
}

// number moves over a number and returns its text, a view of the data.
func (d *Decoder) number() (string, bool) {
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		d.unexpected("a number")
		return "", false
	}
	end := numberEnd(d.data, d.pos)
	if end < 0 {
		d.fail(wrongf(ErrSyntax, "invalid number"))
		return "", false
	}
	text := view(d.data[d.pos:end])
	d.pos = end
	return text, true
}

// Number reads a number as the text that it is.
func (d *Decoder) Number() string {
	text, _ := d.number()
	return strings.Clone(text)
}

var exactPow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// shortFloat reads numbers without exponent of up to 19 digits, which as an integer fit 64 bits.
func shortFloat(b []byte, i int) (f float64, end int, ok bool) {
	negative := i < len(b) && b[i] == '-'
	if negative {
		i++
	}
	start := i
	var n uint64
	for i < len(b) && b[i]-'0' <= 9 {
		n = n*10 + uint64(b[i]-'0')
		i++
	}
	whole, fraction := i-start, 0
	if whole == 0 || whole > 1 && b[start] == '0' {
		return 0, 0, false
	}
	if i < len(b) && b[i] == '.' {
		i++
		dot := i
		count := 8
		for count == 8 && i+8 <= len(b) {
			var digits uint64
			digits, count = upTo8Digits(word(b, i))
			n = n*pow10[count] + digits
			i += count
		}
		for count == 8 && i < len(b) && b[i]-'0' <= 9 {
			n = n*10 + uint64(b[i]-'0')
			i++
		}
		fraction = i - dot
		if fraction == 0 {
			return 0, 0, false
		}
	}
	if whole+fraction > 19 || i < len(b) && b[i]|0x20 == 'e' {
		return 0, 0, false
	}
	switch {
	case fraction == 0:
		f = float64(n)
	case n <= 1<<53:
		// Both are exact as float64: one division rounds right (Clinger, How to read floating point numbers accurately, 1990).
		f = float64(n) / exactPow10[fraction]
	default:
		f = quotient(n, tens[fraction])
	}
	if negative {
		f = -f
	}
	return f, i, true
}

// upTo8Digits reads the digits that x begins with. How many there are decides over no branch, which would often be mispredicted.
func upTo8Digits(x uint64) (n uint64, count int) {
	x ^= '0' * ones
	count = bits.TrailingZeros64((x+(128-10)*ones|x)&highs) >> 3
	x <<= 64 - 8*count // leading zeros
	x = x*10 + x>>8    // pairs, in every other byte
	const first, third = 100 + 1_000_000<<32, 1 + 10_000<<32
	const everyFourth = 0xff000000ff
	return (x&everyFourth*first + x>>16&everyFourth*third) >> 32, count
}

// quotient returns the float64 that is nearest to n/by, of which neither is 0: a division of integers that has
// 62 bits or more, and one below them that tells whether anything is left, rounds right.
func quotient(n, by uint64) float64 {
	shiftN, shiftBy := bits.LeadingZeros64(n), bits.LeadingZeros64(by)
	n, by = n<<shiftN, by<<shiftBy // the quotient is between 1/2 and 2
	q, rest := bits.Div64(n>>1, n<<63, by)
	if rest != 0 {
		q |= 1
	}
	return float64(q) * math.Float64frombits(uint64(1023+shiftBy-shiftN-63)<<52)
}
