package codec_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es/codec"
)

// marshal is encoding/json without HTML escapes.
func marshal(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func checkString(t *testing.T, s string) {
	t.Helper()
	got, err := codec.AppendString([]byte("x"), s)
	if !utf8.ValidString(s) {
		if !errors.Is(err, codec.ErrInvalidUTF8) {
			t.Fatalf("%q: %v", s, err)
		}
		return
	}
	if want := "x" + marshal(t, s); err != nil || string(got) != want {
		t.Fatalf("%q: got %s, %v, want %s", s, got, err, want)
	}
	d := codec.NewDecoder(got[1:])
	if back := d.String(); d.End() != nil || back != s {
		t.Fatalf("%q: read back as %q, %v", s, back, d.End())
	}
	quoted, err := codec.AppendQuotedString(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := marshal(t, marshal(t, s)); string(quoted) != want {
		t.Fatalf("%q: got %s, want %s", s, quoted, want)
	}
	d = codec.NewDecoder(quoted)
	if back := d.QuotedString(); d.End() != nil || back != s {
		t.Fatalf("%q: read back as %q, %v", s, back, d.End())
	}
}

func TestStringsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	for r := rune(0); r < 0x3000; r++ {
		checkString(t, string(r))
		checkString(t, "1234567"+string(r)+"89")
	}
	for c := range 256 {
		for pad := range 17 {
			checkString(t, strings.Repeat("a", pad)+string([]byte{byte(c)})+"tail beyond it")
		}
	}
	for _, s := range []string{"", "\ud7ff\ue000\U0010ffff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "😀\xff"} {
		checkString(t, s)
	}
}

func FuzzString(f *testing.F) {
	f.Add("a\"\\\u2028")
	f.Add("\xff")
	f.Fuzz(checkString)
}

func checkFloat(t *testing.T, bits uint64) {
	t.Helper()
	x := math.Float64frombits(bits)
	got, err := codec.AppendFloat64(nil, x)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		if !errors.Is(err, codec.ErrNotFinite) {
			t.Fatalf("%v: %v", x, err)
		}
	} else {
		if want := marshal(t, x); string(got) != want || err != nil {
			t.Fatalf("%v: got %s, %v, want %s", x, got, err, want)
		}
		d := codec.NewDecoder(got)
		if back := d.Float64(); d.End() != nil || math.Float64bits(back) != bits {
			t.Fatalf("%s: read back as %v, %v", got, back, d.End())
		}
	}
	y := math.Float32frombits(uint32(bits))
	got, err = codec.AppendFloat32(nil, y)
	if y != y || math.IsInf(float64(y), 0) {
		if !errors.Is(err, codec.ErrNotFinite) {
			t.Fatalf("%v: %v", y, err)
		}
		return
	}
	if want := marshal(t, y); string(got) != want || err != nil {
		t.Fatalf("%v: got %s, %v, want %s", y, got, err, want)
	}
	d := codec.NewDecoder(got)
	if back := d.Float32(); d.End() != nil || math.Float32bits(back) != uint32(bits) {
		t.Fatalf("%s: read back as %v, %v", got, back, d.End())
	}
}

func TestFloatsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 30_000 {
		checkFloat(t, r.Uint64())
		checkFloat(t, math.Float64bits(float64(r.IntN(1e9))/math.Pow10(r.IntN(9))))
		checkFloat(t, math.Float64bits(r.NormFloat64()*math.Pow10(r.IntN(40)-20)))
		checkFloat(t, math.Float64bits(float64(r.Int64N(1<<55))))
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1e15, 1e15 - 1, 1e21, 1e20, 1e-6, 1e-7, 0.001, 0.0009, 0.1, 0.3, 123456789.123456, 1<<53 + 1, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.NaN()} {
		checkFloat(t, math.Float64bits(x))
		checkFloat(t, math.Float64bits(-x))
	}
}

func FuzzFloat(f *testing.F) {
	f.Add(math.Float64bits(0.1))
	f.Fuzz(checkFloat)
}

// checkNumberText compares reading a number with what encoding/json makes of it.
func checkNumberText(t *testing.T, text string) {
	t.Helper()
	if strings.TrimSpace(text) == "null" {
		return
	}
	var f64 float64
	d := codec.NewDecoder([]byte(text))
	got, want := d.Float64(), json.Unmarshal([]byte(text), &f64)
	if (d.End() == nil) != (want == nil) || want == nil && math.Float64bits(got) != math.Float64bits(f64) {
		t.Fatalf("%q: got %v, %v; want %v, %v", text, got, d.End(), f64, want)
	}
	var i64 int64
	d = codec.NewDecoder([]byte(text))
	n, want := d.Int64(), json.Unmarshal([]byte(text), &i64)
	if (d.End() == nil) != (want == nil) || want == nil && n != i64 {
		t.Fatalf("%q: got %v, %v; want %v, %v", text, n, d.End(), i64, want)
	}
	var u8 uint8
	d = codec.NewDecoder([]byte(text))
	u, want := d.Uint8(), json.Unmarshal([]byte(text), &u8)
	if (d.End() == nil) != (want == nil) || want == nil && u != u8 {
		t.Fatalf("%q: got %v, %v; want %v, %v", text, u, d.End(), u8, want)
	}
}

func TestNumbersAreReadAsEncodingJSONDoes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0", "-0", "00", "01", "-", "+1", ".5", "5.", "1e", "1e+", "1E5", "1e5", "-1.25e-3", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "255", "256", "-1", "1.0", "1e400", "1e-400", "", " 1 ", "1 2", `"1"`, "0x1", "1_0",
		"123456789012345678", "0.1234567890123456789", "9007199254740993", "0.000000000000000000001", "NaN", "Infinity", "1a", "[", "true",
	} {
		checkNumberText(t, text)
	}
}

func TestFractionsAreRoundedAsByStrconv(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 10_000 {
		digits := strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
		dot := r.IntN(len(digits))
		text := digits
		if dot > 0 && dot < len(digits) {
			text = digits[:dot] + "." + digits[dot:]
		} else if len(digits) < 19 {
			text = "0." + digits
		}
		checkNumberText(t, text)
		// Halfway between two numbers, and next to it.
		m := 1<<53 + r.Uint64N(1<<53)
		for _, n := range []uint64{2*m + 1, 2 * m, 2*m + 2} {
			half := strconv.FormatUint(n, 10)
			checkNumberText(t, half)
			checkNumberText(t, half[:len(half)-3]+"."+half[len(half)-3:])
			// n/8 has three digits behind the point.
			checkNumberText(t, fmt.Sprintf("%d.%03d", n/8, n%8*125))
		}
	}
}

func FuzzNumberText(f *testing.F) {
	f.Add("-12.5e3")
	f.Fuzz(checkNumberText)
}

func TestIntegersAreThoseOfStrconv(t *testing.T) {
	t.Parallel()
	for shift := range 64 {
		for _, add := range []int64{-1, 0, 1} {
			n := int64(1)<<shift + add
			if got := string(codec.AppendInt([]byte("x"), n)); got != "x"+strconv.FormatInt(n, 10) {
				t.Errorf("%d: %s", n, got)
			}
			if got := string(codec.AppendUint(nil, uint64(n))); got != strconv.FormatUint(uint64(n), 10) {
				t.Errorf("%d: %s", uint64(n), got)
			}
		}
	}
}

func checkTime(t *testing.T, seconds int64, nanos uint32, offset int32) {
	t.Helper()
	at := time.Unix(seconds, int64(nanos)%1e9).In(time.FixedZone("", int(offset)))
	got, err := codec.AppendTime(nil, at)
	want, wantErr := at.MarshalJSON()
	if (err == nil) != (wantErr == nil) || err == nil && string(got) != string(want) {
		t.Fatalf("%v: got %s, %v, want %s, %v", at, got, err, want, wantErr)
	}
	if err != nil {
		return
	}
	back, err := codec.ParseTime(got[1 : len(got)-1])
	if _, seconds := at.Zone(); seconds%60 != 0 {
		return // JSON has no seconds of an offset: the instant is another one, as with encoding/json
	}
	if err != nil || !back.Equal(at) {
		t.Fatalf("%s: read back as %v, %v", got, back, err)
	}
	if again, _ := codec.AppendTime(nil, back); string(again) != string(got) {
		t.Fatalf("%s became %s", got, again)
	}
}

func TestTimesAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		checkTime(t, r.Int64N(400_000_000_000)-100_000_000_000, r.Uint32(), int32(r.IntN(28*60)-14*60)*60)
	}
	for day := int64(-719_600); day < 2_933_000; day += 13 {
		checkTime(t, day*86400, 0, 0)
	}
	for _, year := range []int{-1, 0, 9999, 10000} {
		for _, offset := range []int32{0, 3600, -3600, 86399, -86399, 86400, -86400, 59, -59, 90061} {
			checkTime(t, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 1, offset)
			checkTime(t, time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC).Unix(), 999_999_999, offset)
		}
	}
}

func FuzzTime(f *testing.F) {
	f.Add(int64(0), uint32(0), int32(0))
	f.Fuzz(checkTime)
}

// checkTimeText holds ParseTime against time.Parse, which is more lenient, and a strict pattern.
func checkTimeText(t *testing.T, text string) {
	t.Helper()
	got, err := codec.ParseTime(text)
	want, wantErr := time.Parse(time.RFC3339, text)
	strict := wantErr == nil && strings.IndexByte(text, 'T') == 10 && len(text) >= 20 && text[13] == ':' && text[16] == ':' && !strings.Contains(text, ",")
	if strict && text[len(text)-1] != 'Z' {
		hour, minute := text[len(text)-5:len(text)-3], text[len(text)-2:]
		strict = hour < "24" && minute < "60"
	}
	if (err == nil) != strict {
		t.Fatalf("%q: %v, time.Parse: %v", text, err, wantErr)
	}
	if err == nil && !got.Equal(want) {
		t.Fatalf("%q: got %v, want %v", text, got, want)
	}
}

func TestTimesAreReadByTheLetterOfRFC3339(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2024-02-29T23:59:59Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-00T00:00:00Z",
		"2024-01-01T0:00:00Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.1234567891Z", "2024-01-01T24:00:00Z", "2024-01-01T23:60:00Z",
		"2024-01-01T23:59:60Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+23:60", "2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00+00:00", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00z",
		"2024-01-01 00:00:00Z", "2024-01-01T00:00:00", "2024-01-01", "", "2024-01-01T00:00:00Z ", "+024-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2024-01-01T00:00:00.5+05:30",
	} {
		checkTimeText(t, text)
	}
}

func FuzzTimeText(f *testing.F) {
	f.Add("2024-02-29T23:59:59.5+01:00")
	f.Fuzz(checkTimeText)
}

func TestZonesDoNotDependOnTheMachine(t *testing.T) {
	t.Parallel()
	for text, name := range map[string]string{"2024-07-01T12:00:00Z": "UTC", "2024-07-01T12:00:00+00:00": "UTC", "2024-07-01T12:00:00+02:00": ""} {
		at, err := codec.ParseTime(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.Location().String(); got != name {
			t.Errorf("%s: zone %q, want %q", text, got, name)
		}
	}
}

func checkBytes(t *testing.T, b []byte) {
	t.Helper()
	got := codec.AppendBytes(nil, b)
	if want := marshal(t, b); string(got) != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	d := codec.NewDecoder(got)
	if back := codec.Bytes[byte](&d); d.End() != nil || !bytes.Equal(back, b) || (back == nil) != (b == nil) {
		t.Fatalf("%s: read back as %v, %v", got, back, d.End())
	}
}

func TestBytesAreBase64(t *testing.T) {
	t.Parallel()
	checkBytes(t, nil)
	for n := range 70 {
		checkBytes(t, bytes.Repeat([]byte{0xfe}, n))
	}
	for _, text := range []string{`"AA=A"`, `"A"`, `"AAA"`, `"AA\n=="`, `"A A="`, `"-_-_"`, `["A"]`, `1`} {
		d := codec.NewDecoder([]byte(text))
		codec.Bytes[byte](&d)
		if d.End() == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func FuzzBytesText(f *testing.F) {
	f.Add("AAA=")
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := codec.AppendString(nil, text)
		if err != nil {
			return
		}
		want, wantErr := base64.StdEncoding.DecodeString(text)
		d := codec.NewDecoder(quoted)
		got := codec.Bytes[byte](&d)
		strict := wantErr == nil && !strings.ContainsAny(text, "\r\n")
		if (d.End() == nil) != strict || strict && !bytes.Equal(got, want) {
			t.Fatalf("%q: got %v, %v; want %v, %v", text, got, d.End(), want, wantErr)
		}
	})
}

func TestUUIDsAreThoseOfMarshalText(t *testing.T) {
	t.Parallel()
	for range 100 {
		id := uuid.New()
		got := codec.AppendUUID(nil, id)
		if want := marshal(t, id); string(got) != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		d := codec.NewDecoder(bytes.ToUpper(got))
		if back := readUUID(&d); d.End() != nil || back != id {
			t.Fatalf("%s: read back as %v, %v", got, back, d.End())
		}
	}
	id := uuid.New()
	for _, text := range []string{"urn:uuid:" + id.String(), "{" + id.String() + "}", strings.ReplaceAll(id.String(), "-", "")} {
		d := codec.NewDecoder([]byte(`"` + text + `"`))
		if back := readUUID(&d); d.End() != nil || back != id {
			t.Errorf("%s: %v, %v", text, back, d.End())
		}
	}
	for _, text := range []string{`"x"`, `""`, `1`, `"` + strings.Replace(id.String(), "-", "g", 1) + `"`} {
		d := codec.NewDecoder([]byte(text))
		if readUUID(&d); d.End() == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestMarshaledValuesAreCompactedOrRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		` { "a b" : [ 1 , "\" \\" ] } `: `{"a b":[1,"\" \\"]}`,
		`1`:                             `1`,
		``:                              "",
		`{"a":1,"a":2}`:                 "",
		"\"\xff\"":                      "",
		`"\ud800"`:                      "",
		`{} {}`:                         "",
		`[1,]`:                          "",
		`nul`:                           "",
	} {
		got, err := codec.AppendRaw(nil, []byte(text))
		if want == "" {
			var e *codec.Error
			if !errors.As(err, &e) {
				t.Errorf("%s: %s, %v", text, got, err)
			}
			continue
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestErrorsOfEncodingNameTheField(t *testing.T) {
	t.Parallel()
	_, err := codec.AppendString(nil, "\xff")
	for _, step := range []func(error) error{
		func(err error) error { return codec.InField(err, "price") },
		func(err error) error { return codec.InIndex(err, 3) },
		func(err error) error { return codec.InName(err, "a b") },
		func(err error) error { return codec.InField(err, "items") },
	} {
		err = step(err)
	}
	if want := `encode items["a b"][3].price: invalid UTF-8`; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
	if !errors.Is(err, codec.ErrInvalidUTF8) {
		t.Error("the cause is lost")
	}
}

func readUUID(d *codec.Decoder) (id uuid.UUID) {
	d.UUID(&id)
	return id
}
