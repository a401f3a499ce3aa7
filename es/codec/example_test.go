package codec_test

import (
	"fmt"

	"github.com/esgen-go/esgen/es/codec"
)

// Deposited is an event.
type Deposited struct {
	Amount int64
	Note   string
}

// What esgen generates to encode it.
func appendDeposited(dst []byte, v *Deposited) ([]byte, error) {
	var err error
	dst = append(dst, `{"amount":`...)
	dst = codec.AppendInt(dst, v.Amount)
	dst = append(dst, `,"note":"`...)
	if dst, err = codec.AppendChars(dst, v.Note); err != nil {
		return dst, codec.InField(err, "note")
	}
	return append(dst, `"}`...), nil
}

// What esgen generates to decode it.

var fieldsOfDeposited = codec.NewFields("amount", "note")

func decodeDeposited(data []byte, v *Deposited) error {
	*v = Deposited{}
	d := codec.NewDecoder(data)
	var seen uint64
	for field := d.Struct(fieldsOfDeposited); field >= 0; field = d.Search(fieldsOfDeposited, field) {
		if d.Field(field, 0, `,"amount":`) {
			seen = d.Once(seen, 0x1)
			v.Amount = d.Int64()
		}
		if d.Field(field, 1, `,"note":`) {
			seen = d.Once(seen, 0x2)
			v.Note = d.String()
		}
	}
	if seen&0x3 != 0x3 {
		d.Missing(seen, 0x3, "amount", "note")
	}
	return d.End()
}

func Example() {
	data, err := appendDeposited(nil, &Deposited{Amount: 500, Note: `for "rent"`})
	fmt.Printf("%s %v\n", data, err)

	var back Deposited
	fmt.Println(decodeDeposited(data, &back), back.Amount, back.Note)
	fmt.Println(decodeDeposited([]byte(`{"amount":500.5,"note":""}`), &back))
	// Output:
	// {"amount":500,"note":"for \"rent\""} <nil>
	// <nil> 500 for "rent"
	// decode amount at byte 10: unexpected type of value: a fraction or an exponent in an integer
}
