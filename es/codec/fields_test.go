package codec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

var names = []string{"a", "id", "customer_nr", "customer_num", "delivery_address", "delivery_addresses", "ünïcödé", "z"}

// readInts reads the fields above, all of them integers, as generated code would: -1 stands for a missing one.
func readInts(text string) ([]int, error) {
	fields := codec.NewFields(names...)
	values := make([]int, len(names))
	for i := range values {
		values[i] = -1
	}
	d := codec.NewDecoder([]byte(text))
	var seen uint64
	for field := d.Struct(fields); field >= 0; field = d.Search(fields, field) {
		for i, name := range names {
			if d.Field(field, i, `,"`+name+`":`) {
				seen = d.Once(seen, 1<<i)
				values[i] = d.Int()
			}
		}
	}
	return values, d.End()
}

func TestFieldsComeInAnyOrder(t *testing.T) {
	t.Parallel()
	for start := range names {
		for step := range len(names) {
			if step%2 == 0 {
				continue // would not reach all of eight
			}
			for _, space := range []string{"", " ", "\n\t"} {
				for _, unknown := range []string{"", `"x":{"a":[1]},`, `"delivery_addres":7,`, `"custome":"\u0041",`} {
					var b strings.Builder
					b.WriteString("{" + space)
					for i := range names {
						k := (start + i*step) % len(names)
						if i > 0 {
							b.WriteString("," + space)
						}
						if i == 3 {
							b.WriteString(unknown + space)
						}
						fmt.Fprintf(&b, "%q%s:%s%d%s", names[k], space, space, k, space)
					}
					b.WriteString("}")
					got, err := readInts(b.String())
					if err != nil || fmt.Sprint(got) != "[0 1 2 3 4 5 6 7]" {
						t.Fatalf("%s: %v, %v", b.String(), got, err)
					}
				}
			}
		}
	}
}

func TestNamesOfFieldsAreUnescapedAndComparedWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want string
		err  error
	}{
		{`{}`, "[-1 -1 -1 -1 -1 -1 -1 -1]", nil},
		{`{"\u0061":1,"i\u0064":2}`, "[1 2 -1 -1 -1 -1 -1 -1]", nil},
		{`{"A":1,"ID":2,"id ":3}`, "[-1 -1 -1 -1 -1 -1 -1 -1]", nil},
		{`{"delivery_address":1,"delivery_addresses":2,"delivery_addressess":3}`, "[-1 -1 -1 -1 1 2 -1 -1]", nil},
		{`{"z":1}`, "[-1 -1 -1 -1 -1 -1 -1 1]", nil}, // shorter than two words
		{`{"a":1,"id":2,"a":3}`, "", codec.ErrDuplicateName},
		{`{"a":1,"\u0061":3}`, "", codec.ErrDuplicateName},
		{`{"x":1,"a":1,"x":3}`, "", codec.ErrDuplicateName},
		{`{"a":1,}`, "", codec.ErrSyntax},
		{`{,"a":1}`, "", codec.ErrSyntax},
		{`{"a":1 "id":2}`, "", codec.ErrType},
		{`{"a":1,,"id":2}`, "", codec.ErrSyntax},
		{`{"a"1}`, "", codec.ErrType},
		{`{"z":,"id":1 2}`, "", codec.ErrSyntax}, // what follows a name is its value, whatever it looks like
		{`{"a":1,"id":2`, "", codec.ErrSyntax},
		{`{"a":1]`, "", codec.ErrSyntax},
		{`["a":1}`, "", codec.ErrType},
		{`null`, "", codec.ErrNull},
	} {
		got, err := readInts(c.text)
		if !errors.Is(err, c.err) || err == nil && fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, %v; want %s, %v", c.text, got, err, c.want, c.err)
		}
	}
}
