package codec

import (
	"encoding/binary"
	"time"
)

// AppendTime appends t in RFC 3339, with as many digits of the second as it
// has. It fails with [ErrRange] if the year has not four digits, or if the zone's
// offset is a day or more.
func AppendTime(dst []byte, t time.Time) ([]byte, error) {
	_, offset := t.Zone()
	dst = append(dst, '"')
	dst, ok := appendTime(dst, t, offset)
	if !ok {
		return dst, failed(wrongf(ErrRange, "the time has no RFC 3339 form"))
	}
	return append(dst, '"'), nil
}

// TimeText returns what AppendTime appends without the quotes, for a map's key.
func TimeText(t *time.Time) ([]byte, error) {
	_, offset := t.Zone()
	text, ok := appendTime(nil, *t, offset)
	if !ok {
		return nil, wrongf(ErrRange, "the time has no RFC 3339 form")
	}
	return text, nil
}

const (
	secondsPerDay = 24 * 60 * 60
	// daysBefore1970 counts from 1 March of the year 0, which makes leap
	// days the last of a year.
	daysBefore1970 = 719468
)

func appendTime(dst []byte, t time.Time, offset int) ([]byte, bool) {
	local := t.Unix() + int64(offset)
	days, second := floorDiv(local, secondsPerDay)
	if days < -daysBefore1970-60 || days > 2932896 {
		return dst, false // outside of the years 0 to 9999
	}
	year, month, day := civil(days)
	dst = append(dst, "0000-00-00T00:00:00"...)
	b := dst[len(dst)-19:]
	put2(b[0:], uint(year)/100)
	put2(b[2:], uint(year)%100)
	put2(b[5:], month)
	put2(b[8:], day)
	s := uint(second)
	put2(b[11:], s/3600)
	put2(b[14:], s/60%60)
	put2(b[17:], s%60)
	if n := uint64(t.Nanosecond()); n != 0 {
		dst = append(dst, ".000000000"...)
		b := dst[len(dst)-9:]
		for i := 8; i >= 0; i-- {
			b[i] = '0' + byte(n%10)
			n /= 10
		}
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	if offset == 0 {
		return append(dst, 'Z'), true
	}
	minutes := offset / 60
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	if minutes >= 24*60 {
		return dst, false
	}
	dst = append(dst, sign, '0', '0', ':', '0', '0')
	put2(dst[len(dst)-5:], uint(minutes)/60)
	put2(dst[len(dst)-2:], uint(minutes)%60)
	return dst, true
}

func put2(b []byte, n uint) {
	b[0], b[1] = pairs[n*2], pairs[n*2+1]
}

func floorDiv(a, b int64) (quotient, remainder int64) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		quotient--
		remainder += b
	}
	return quotient, remainder
}

// civil turns days since 1970, none before the year -400, into a date of the Gregorian calendar. Its
// divisions by constants are those of Neri and Schneider, Euclidean affine functions and their application to
// calendar algorithms (2022). Years begin with March, so that leap days are the last of one.
func civil(days int64) (year int64, month, day uint) {
	const era = 146097 // days of 400 years
	n := uint32(days+daysBefore1970+era)*4 + 3
	century, inCentury := n/era, n%era|3
	product := uint64(inCentury) * 2939745
	yearOfCentury, dayOfYear := uint32(product>>32), uint32(product)/(2939745*4)
	md := dayOfYear*2141 + 197913
	year, month, day = int64(century*100+yearOfCentury)-400, uint(md>>16), uint(md&0xffff/2141)+1
	if dayOfYear >= 306 { // January or February
		return year + 1, month - 12, day
	}
	return year, month, day
}

// daysUntil counts the days of a year before each month, without the leap day.
var daysUntil = [...]int64{1: 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// daysOf is the inverse of civil, for years from 0 to 9999.
func daysOf(year, month, day int) int64 {
	y := uint32(year + 400) // so that no division meets a negative number
	if month <= 2 {
		y-- // its leap day is yet to come
	}
	leap := int64(y/4-y/100+y/400) - 96
	return int64(year)*365 + leap + daysUntil[month] + int64(day) - 719529
}

// ParseTime reads a time as RFC 3339 defines it, cut off at nanoseconds. An offset of zero gives UTC, another one a zone
// without name; the zone of the machine plays no part.
func ParseTime[S ~string | ~[]byte](s S) (time.Time, error) {
	t, n := parseTime([]byte(s))
	if n == 0 || n != len(s) {
		return time.Time{}, wrongf(ErrFormat, "%q is no RFC 3339 time", string(s))
	}
	return t, nil
}

// parseTime reads the time that s begins with, and returns its length: 0 if there is none.
func parseTime(s []byte) (t time.Time, n int) {
	unix, ok := parseSeconds(s)
	if !ok {
		return t, 0
	}
	i := lengthToSeconds
	nanos := 0
	if s[i] == '.' {
		var digits int
		nanos, digits = nanoseconds(s[i+1:])
		i += 1 + digits
		if digits == 0 || i == len(s) {
			return t, 0
		}
	}
	if s[i] == 'Z' {
		return time.Unix(unix, int64(nanos)).UTC(), i + 1
	}
	if len(s) < i+6 || s[i] != '+' && s[i] != '-' || s[i+3] != ':' {
		return t, 0
	}
	h, m := digits2(s[i+1], s[i+2]), digits2(s[i+4], s[i+5])
	if h|m < 0 || h > 23 || m > 59 {
		return t, 0
	}
	offset := h*3600 + m*60
	if s[i] == '-' {
		offset = -offset
	}
	t = time.Unix(unix-int64(offset), int64(nanos))
	if offset == 0 {
		return t.UTC(), i + 6
	}
	return t.In(time.FixedZone("", offset)), i + 6
}

const lengthToSeconds = len("2006-01-02T15:04:05")

// parseSeconds reads the part up to the seconds of the time that s begins with, and returns it as if it were in UTC. It fails
// if nothing is behind that.
func parseSeconds(s []byte) (unix int64, ok bool) {
	if len(s) <= lengthToSeconds || s[10] != 'T' {
		return 0, false
	}
	date, ok1 := digitPairs(s, dateForm, dateDigits)
	clock, ok2 := digitPairs(s[11:], clockForm, clockDigits)
	day := digits2(s[8], s[9])
	if !ok1 || !ok2 || (clock&clockPairs+clockExcess)&highs != 0 {
		return 0, false
	}
	year, month := pair(date, 0)*100+pair(date, 2), pair(date, 5)
	if uint(month-1) > 11 || day < 1 || day > 28 && day > daysIn(year, month) {
		return 0, false
	}
	return daysOf(year, month, day)*secondsPerDay + int64(pair(clock, 0)*3600+pair(clock, 3)*60+pair(clock, 6)), true
}

// nanoseconds reads the digits behind the second's point, and returns how many there are. What is beyond nine is cut off.
func nanoseconds(s []byte) (n, digits int) {
	for digits < len(s) && s[digits]-'0' <= 9 {
		if digits < 9 {
			n = n*10 + int(s[digits]-'0')
		}
		digits++
	}
	return n * nanosecondsIn[min(digits, 9)], digits
}

// nanosecondsIn has what the last of so many digits behind the point counts.
var nanosecondsIn = [...]int{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}

// The forms of two words of a time, and where these have digits.
const (
	dateForm, dateDigits   = 0x2d30302d30303030, 0x000f0f000f0f0f0f // 0000-00-
	clockForm, clockDigits = 0x30303a30303a3030, 0x0f0f000f0f000f0f // 00:00:00
)

// The hour, the minute and the second within a word of pairs; what added to them sets the high bit of 24, 60 and
// 60, or more.
const clockPairs, clockExcess = 0x00ff0000ff0000ff, 0x0044000044000068

// digitPairs reads eight bytes of a form. In the result the byte of a digit is ten times its value, plus
// that of the next one: see pair.
func digitPairs(s []byte, form, digits uint64) (uint64, bool) {
	x := binary.LittleEndian.Uint64(s) ^ form // leaves 0 to 9 of a digit, and 0 of what must be as it is
	ok := x&^digits == 0 && (x+digits&(6*ones))&(16*ones) == 0
	return x*10 + x>>8, ok
}

// pair returns the number of two digits, the first of which is that of byte i.
func pair(pairs uint64, i int) int { return int(pairs >> (8 * i) & 0xff) }

// digits2 returns the value of two decimal digits, negative if they aren't.
func digits2(a, b byte) int {
	a, b = a-'0', b-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
