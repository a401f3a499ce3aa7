package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

// Strings are copied to shared memory a word at a time, which goes beyond the end of one: never into another.
func TestStringsOfOneTextAreApart(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, 2, 7, 40, 400} { // around 1 KiB, from which on memory isn't zeroed
		for longest := range 40 {
			var want []string
			for i := range count {
				s := strings.Repeat(string(rune('a'+i%26)), i%(longest+1))
				switch i % 11 {
				case 3:
					s += "é"
				case 5:
					s += "\n" + s
				case 7:
					s = `"` + s
				}
				want = append(want, s)
			}
			text, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			for _, end := range []string{"", "        "} { // the last string is near the end, or isn't
				d := codec.NewDecoder([]byte(string(text) + end))
				var got []string
				for more := d.Array(); more; more = d.More() {
					got = append(got, d.String())
				}
				if err := d.End(); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%d strings of up to %d bytes: %v\ngot  %q\nwant %q", count, longest, err, got, want)
				}
			}
		}
	}
}

func TestStringsDoNotReferToTheText(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10, 100, 1000} {
		text := []byte(`["` + strings.Repeat("a", n) + `","","ü","` + strings.Repeat("b", n) + `","\n"]` + strings.Repeat(" ", 16))
		d := codec.NewDecoder(text)
		var got []string
		for more := d.Array(); more; more = d.More() {
			got = append(got, d.String())
		}
		if err := d.End(); err != nil {
			t.Fatal(err)
		}
		for i := range text {
			text[i] = 'x'
		}
		want := []string{strings.Repeat("a", n), "", "ü", strings.Repeat("b", n), "\n"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Generated code asks once. Whoever asks more often must not run over the end of the memory.
func TestANameMayBeTakenTwice(t *testing.T) {
	t.Parallel()
	d := codec.NewDecoder([]byte(`{"first name":"first value","second":"second value"}`))
	var got []string
	for name, ok := d.Object(); ok; name, ok = d.Next() {
		for range 20 {
			got = append(got, d.Name(name))
		}
		got = append(got, d.String())
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		want := []string{"first name", "second"}[i/21]
		if i%21 == 20 {
			want = []string{"first value", "second value"}[i/21]
		}
		if s != want {
			t.Errorf("%d: %q, want %q", i, s, want)
		}
	}
}

// Strings are checked and copied by words that may overlap: every length and every place of what is special.
func TestStringsOfEveryLengthAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		plain := strings.Repeat("abcdefgh", 5)[:n]
		for i := -1; i < n; i++ {
			for _, special := range []string{`"`, `\`, "\n", "\x00", "\x1f", "ü", "\u2028", "\x7f", "<"} {
				s := plain
				if i >= 0 {
					s = plain[:i] + special + plain[i+1:]
				}
				want := marshal(t, s)
				for _, room := range []int{0, n + 1, n + 2, 100} { // grown, and not
					got, err := codec.AppendString(append(make([]byte, 0, room+1), '['), s)
					if err != nil || string(got) != "["+want {
						t.Fatalf("%q: got %s, %v, want %s", s, got, err, want)
					}
				}
				d := codec.NewDecoder([]byte(want))
				if back := d.String(); d.End() != nil || back != s {
					t.Fatalf("%s: read back as %q, %v", want, back, d.End())
				}
			}
			if i >= 0 {
				bad := plain[:i] + "\xff" + plain[i+1:]
				if out, err := codec.AppendString(nil, bad); err == nil {
					t.Fatalf("%q is encoded as %s", bad, out)
				}
			}
		}
	}
}

// What is behind the room may belong to others.
func TestCharsAreWrittenWithinTheirRoom(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		for _, before := range []int{0, 1, 7} {
			all := bytes.Repeat([]byte("#"), 64)
			s := strings.Repeat("abcdefgh", 5)[:n]
			got, err := codec.AppendChars(all[:before:before+n], s)
			if want := strings.Repeat("#", before) + s; err != nil || string(got) != want {
				t.Fatalf("got %s, %v, want %s", got, err, want)
			}
			if want := strings.Repeat("#", before) + s + strings.Repeat("#", 64-before-n); string(all) != want {
				t.Fatalf("%d characters behind %d: the memory holds %s, want %s", n, before, all, want)
			}
		}
	}
}

func TestIntegersOfEveryLengthAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	for n, digits := uint64(1), 1; digits <= 20; n, digits = n*10, digits+1 {
		for _, u := range []uint64{n - 1, n, n + 1, n/2 + n, 9 * (n / 10), 99 * (n / 100)} {
			for _, end := range []string{"", " ", "          "} {
				d := codec.NewDecoder([]byte(fmt.Sprint(u) + end))
				if got := d.Uint64(); d.End() != nil || got != u {
					t.Errorf("%d: %d, %v", u, got, d.End())
				}
				d = codec.NewDecoder([]byte(fmt.Sprint(-int64(u)) + end))
				if got := d.Int64(); d.End() != nil || got != -int64(u) {
					t.Errorf("%d: %d, %v", -int64(u), got, d.End())
				}
			}
			if got, want := string(codec.AppendUint(nil, u)), fmt.Sprint(u); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got, want := string(codec.AppendInt(nil, -int64(u))), fmt.Sprint(-int64(u)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
	for text, kind := range map[string]error{
		"9223372036854775808": codec.ErrRange, "-9223372036854775809": codec.ErrRange, "9999999999999999999": codec.ErrRange,
		"18446744073709551616": codec.ErrRange, "99999999999999999999": codec.ErrRange, "100000000000000000000": codec.ErrRange,
		"1.0": codec.ErrType, "1e1": codec.ErrType, "1E1": codec.ErrType, "-0.5": codec.ErrType,
	} {
		for _, end := range []string{"", "          "} {
			d := codec.NewDecoder([]byte(text + end))
			if d.Int64(); !errors.Is(d.End(), kind) {
				t.Errorf("%s: %v, want %v", text, d.End(), kind)
			}
		}
	}
	for text, read := range map[string]func(*codec.Decoder){
		"127": func(d *codec.Decoder) { d.Int8() }, "-128": func(d *codec.Decoder) { d.Int8() }, "255": func(d *codec.Decoder) { d.Uint8() },
		"32767": func(d *codec.Decoder) { d.Int16() }, "-32768": func(d *codec.Decoder) { d.Int16() }, "65535": func(d *codec.Decoder) { d.Uint16() },
		"2147483647": func(d *codec.Decoder) { d.Int32() }, "-2147483648": func(d *codec.Decoder) { d.Int32() }, "4294967295": func(d *codec.Decoder) { d.Uint32() },
	} {
		beyond := text[:len(text)-1] + string(text[len(text)-1]+1)
		for _, end := range []string{"", " "} {
			d := codec.NewDecoder([]byte(text + end))
			if read(&d); d.End() != nil {
				t.Errorf("%s: %v", text, d.End())
			}
			d = codec.NewDecoder([]byte(beyond + end))
			if read(&d); !errors.Is(d.End(), codec.ErrRange) {
				t.Errorf("%s: %v, want %v", beyond, d.End(), codec.ErrRange)
			}
		}
	}
	for _, text := range []string{"", "-", "01", "-01", "00", "1.0", "1e1", "1E1", "+1", "--1", "- 1", "1x"} {
		for _, end := range []string{"", "          "} {
			d := codec.NewDecoder([]byte(text + end))
			if d.Int64(); d.End() == nil {
				t.Errorf("%q is accepted as a signed integer", text)
			}
			d = codec.NewDecoder([]byte(text + end))
			if d.Uint64(); d.End() == nil {
				t.Errorf("%q is accepted as an unsigned integer", text)
			}
		}
	}
}
