package codec

import "time"

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

// civil turns days since 1970 into a date of the Gregorian calendar.
func civil(days int64) (year int64, month, day uint) {
	era, inEra := floorDiv(days+daysBefore1970, 146097)
	d := uint(inEra)
	yearOfEra := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*yearOfEra + yearOfEra/4 - yearOfEra/100
	m := (5*d + 2) / 153 // from March
	day = d - (153*m+2)/5 + 1
	year = int64(yearOfEra) + era*400
	if m < 10 {
		return year, m + 3, day
	}
	return year + 1, m - 9, day
}

// daysOf is the inverse of civil.
func daysOf(year, month, day int) int64 {
	if month > 2 {
		month -= 3
	} else {
		month += 9
		year--
	}
	era, y := floorDiv(int64(year), 400)
	dayOfYear := int64((153*month+2)/5 + day - 1)
	return era*146097 + y*365 + y/4 - y/100 + dayOfYear - daysBefore1970
}

// ParseTime reads a time as RFC 3339 defines it, cut off at nanoseconds. An offset of zero gives UTC, another one a zone
// without name; the zone of the machine plays no part.
func ParseTime[S ~string | ~[]byte](s S) (time.Time, error) {
	t, ok := parseTime(s)
	if !ok {
		return time.Time{}, wrongf(ErrFormat, "%q is no RFC 3339 time", string(s))
	}
	return t, nil
}

func parseTime[S ~string | ~[]byte](s S) (t time.Time, ok bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return t, false
	}
	y1, y2 := digits2(s[0], s[1]), digits2(s[2], s[3])
	month, day := digits2(s[5], s[6]), digits2(s[8], s[9])
	hour, minute, second := digits2(s[11], s[12]), digits2(s[14], s[15]), digits2(s[17], s[18])
	year := y1*100 + y2
	if y1|y2|month|day|hour|minute|second < 0 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	if day > 28 && day > daysIn(year, month) {
		return t, false
	}
	i := 19
	nanos := 0
	if s[i] == '.' {
		i++
		start, unit := i, 100_000_000
		for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
			nanos += int(s[i]-'0') * unit
			unit /= 10
		}
		if i == start {
			return t, false
		}
	}
	unix := daysOf(year, month, day)*secondsPerDay + int64(hour*3600+minute*60+second)
	switch {
	case i+1 == len(s) && s[i] == 'Z':
		return time.Unix(unix, int64(nanos)).UTC(), true
	case i+6 == len(s) && (s[i] == '+' || s[i] == '-') && s[i+3] == ':':
		h, m := digits2(s[i+1], s[i+2]), digits2(s[i+4], s[i+5])
		if h|m < 0 || h > 23 || m > 59 {
			return t, false
		}
		offset := h*3600 + m*60
		if s[i] == '-' {
			offset = -offset
		}
		t = time.Unix(unix-int64(offset), int64(nanos))
		if offset == 0 {
			return t.UTC(), true
		}
		return t.In(time.FixedZone("", offset)), true
	}
	return t, false
}

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
