package codec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/esgen-go/esgen/es/codec"
)

// checkSkip holds Skip against the syntax rules of encoding/json/v2.
func checkSkip(t *testing.T, text string) {
	t.Helper()
	d := codec.NewDecoder([]byte(text))
	d.Skip()
	err := d.End()
	want := jsontext.Value(text).IsValid()
	if (err == nil) != want {
		t.Fatalf("%q: %v, jsontext: %v", text, err, want)
	}
	var e *codec.Error
	if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text)) {
		t.Fatalf("%q: no place: %v", text, err)
	}
}

var texts = []string{
	`{}`, `[]`, `""`, `0`, `null`, `true`, `false`, ` [ { "a" : [ ] , "b" : { } } , 1.5e-3 ] `, ``, ` `, `{`, `}`, `[`, `]`, `[1`, `[1,`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{1:2}`,
	`{"a":1,"a":2}`, `{"a":{"a":1},"b":{"a":1}}`, `[{"a":1},{"a":1}]`, `{"a":1,"\u0061":2}`, `{"b":{"x":1,"x":2}}`, `"\ud800"`, `"\udc00\ud800"`, `"\ud83d\ude00"`, `"\ud83dx"`, `"\u12"`, `"\x"`, `"\/"`,
	"\"\xff\"", "\"\xed\xa0\x80\"", "\"\x1f\"", "\"\t\"", `"`, `"\`, `"\u`, `"abc`, `nul`, `nulll`, `tru`, `falsee`, `True`, `-`, `-0`, `01`, `1.`, `.1`, `1e`, `1e+5`, `+1`, `1 1`, `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`,
	"\ufeff{}", `[]]`, `{}}`, `/**/1`, "\v1", "\u00a01", `{"` + strings.Repeat(`a`, 100) + `":1}`, `{"日本":1,"日本":2}`, `[[[[[[]]]]]]`, `[1,[2,[3,{"a":[{}]}]]]`,
}

func TestSkippingIsAsStrictAsVersion2(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		checkSkip(t, text)
	}
	for _, n := range []int{9_999, 10_000, 10_001, 100_000} {
		checkSkip(t, strings.Repeat("[", n)+strings.Repeat("]", n))
		checkSkip(t, strings.Repeat(`{"a":`, n)+"1"+strings.Repeat("}", n))
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"n%d":{"x":%d,"y":[{"x":1}]},`, i, i)
	}
	checkSkip(t, "{"+many.String()+`"last":1}`)
	checkSkip(t, "{"+many.String()+`"n3":1}`)
	checkSkip(t, "{"+many.String()+`"n99":1}`)
	checkSkip(t, `[{`+many.String()+`"last":1},{`+many.String()+`"last":1}]`)
}

func FuzzSkip(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(checkSkip)
}

// person is decoded by hand, as generated code does it.
type person struct {
	Name string
	Age  int8
	Tags []string
}

var fieldsOfPerson = codec.NewFields("name", "age", "tags")

func readPerson(d *codec.Decoder, v *person) {
	var seen uint64
	for field := d.Struct(fieldsOfPerson); field >= 0; field = d.Search(fieldsOfPerson, field) {
		if d.Field(field, 0, `,"name":`) {
			seen = d.Once(seen, 0x1)
			v.Name = d.String()
		}
		if d.Field(field, 1, `,"age":`) {
			seen = d.Once(seen, 0x2)
			v.Age = d.Int8()
		}
		if d.Field(field, 2, `,"tags":`) {
			seen = d.Once(seen, 0x4)
			if d.Null() {
				v.Tags = nil
			} else {
				items := codec.List[string](d, 0)
				for more := d.Array(); more; more = d.More() {
					items = append(items, d.String())
				}
				v.Tags = codec.Listed(d, items)
			}
		}
	}
	if seen&0x3 != 0x3 {
		d.Missing(seen, 0x3, "name", "age")
	}
}

func TestErrorsOfDecodingNameThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, message string
		is            error
	}{
		{`[{"name":"a","age":1},{"name":"b"}]`, "decode [1].age at byte 33: " + codec.ErrMissing.Error(), codec.ErrMissing},
		{`[{"name":"a","age":128}]`, "decode [0].age at byte 19: number out of range", codec.ErrRange},
		{`[{"name":"a","age":1.5}]`, "decode [0].age at byte 19: unexpected type of value: a fraction or an exponent in an integer", codec.ErrType},
		{`[{"name":null,"age":1}]`, "decode [0].name at byte 9: null where a value is required", codec.ErrNull},
		{`[{"name":"a","age":1,"age":2}]`, "decode [0].age at byte 22: duplicate name in an object", codec.ErrDuplicateName},
		{`[{"x":1,"name":"a","age":1,"x":2}]`, "decode [0].x at byte 28: duplicate name in an object", codec.ErrDuplicateName},
		{`[{"name":"a","age":1,"tags":["x",7]}]`, "decode [0].tags[1] at byte 33: unexpected type of value: want a string", codec.ErrType},
		{"[{\"name\":\"a\xff\",\"age\":1}]", "decode [0].name at byte 11: invalid UTF-8", codec.ErrInvalidUTF8},
		{`[{"name":"a","age":1,"odd name":{"z":[01]}}]`, `decode [0]["odd name"].z[0] at byte 38: invalid JSON: invalid number`, codec.ErrSyntax},
		{`[{"name":"a","age":1}`, "decode [0] at byte 21: invalid JSON: unexpected end of the text", codec.ErrSyntax},
		{`[{"name":"a","age":1}] x`, "decode at byte 23: invalid JSON: unexpected text behind the value", codec.ErrSyntax},
		{`7`, "decode at byte 0: unexpected type of value: want an array", codec.ErrType},
		{``, "decode at byte 0: invalid JSON: unexpected end of the text", codec.ErrSyntax},
	} {
		d := codec.NewDecoder([]byte(c.text))
		for more := d.Array(); more; more = d.More() {
			var p person
			readPerson(&d, &p)
		}
		err := d.End()
		if err == nil || err.Error() != c.message || !errors.Is(err, c.is) {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.message)
		}
	}
}

// nested decodes itself with a decoder of its own.
type nested struct{ person }

func (n *nested) UnmarshalJSON(data []byte) error {
	d := codec.NewDecoder(data)
	readPerson(&d, &n.person)
	return d.End()
}

func TestErrorsOfUnmarshalersKeepTheirPlace(t *testing.T) {
	t.Parallel()
	d := codec.NewDecoder([]byte(`[0,{"p":{"name":"a","age":"x"}}]`))
	d.Array()
	d.Skip()
	d.More()
	d.Object()
	d.Unmarshal(new(nested))
	err := d.End()
	if want := "decode [1].p.age at byte 8: unexpected type of value: want an integer"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestDecodedStringsDoNotShareTheInput(t *testing.T) {
	t.Parallel()
	text := []byte(`{"name":"Ada","age":36,"tags":["x","y\n","ü"]}`)
	d := codec.NewDecoder(text)
	var p person
	readPerson(&d, &p)
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = '#'
	}
	if got := fmt.Sprint(p); got != "{Ada 36 [x y\n ü]}" {
		t.Error(got)
	}
}

func TestWrongGuessesOfElementsAreHarmless(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{{}, {"a]b", "c,d", ",,,"}, {"}]", "{{{{"}, strings.Split(strings.Repeat("x,", 1000), ",")} {
		text, err := json.Marshal(map[string]any{"name": "a", "age": 1, "tags": list})
		if err != nil {
			t.Fatal(err)
		}
		d := codec.NewDecoder(text)
		var p person
		readPerson(&d, &p)
		if err := d.End(); err != nil || fmt.Sprint(p.Tags) != fmt.Sprint(list) || p.Tags == nil {
			t.Errorf("%s: %v, %v", text, p.Tags, err)
		}
	}
}
