package serial_test

import (
	"fmt"
	"go/types"
	"strings"
	"testing"
	"time"

	"github.com/dave/jennifer/jen"
	"github.com/google/uuid"

	"github.com/esgen-go/esgen/cmd/esgen/internal/emit/serial"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
	"github.com/esgen-go/esgen/es/codec"
)

func object(fields ...*shape.Field) *shape.Type {
	return &shape.Type{Kind: shape.Struct, Fields: fields}
}

func field(name string, t *shape.Type) *shape.Field {
	return &shape.Field{Name: name, Go: name, Type: t}
}

func TestRoomIsForFlatEventsAlone(t *testing.T) {
	t.Parallel()
	text, number := &shape.Type{Kind: shape.String}, &shape.Type{Kind: shape.Int, Bits: 64, Go: types.Typ[types.Int64]}
	promoted := field("Zip", text)
	promoted.Steps = []shape.Step{{Name: "Base"}}
	quoted := field("Q", text)
	quoted.Quoted = true
	behind := field("B", text)
	behind.Behind = true
	wide := func(n int, t *shape.Type) *shape.Type {
		var fields []*shape.Field
		for i := range n {
			fields = append(fields, field(fmt.Sprint("F", i), t))
		}
		return object(fields...)
	}
	for _, c := range []struct {
		name string
		t    *shape.Type
		want string // "" for none
	}{
		{"no fields", object(), `2`},
		{"a string", object(field("Name", text)), `11 + len(e.Name)`},
		{"nested", object(field("A", object(field("B", text), field("C", number)))), `19 + len(e.A.B) + codec.IntLength(e.A.C)`},
		{"promoted", object(promoted), `10 + len(e.Base.Zip)`},
		{"quoted", object(quoted), ``},
		{"behind a pointer", object(behind), ``},
		{"a list", object(field("A", &shape.Type{Kind: shape.Slice, Elem: number})), ``},
		{"a pointer", object(field("A", &shape.Type{Kind: shape.Pointer, Elem: number})), ``},
		{"a map in a struct", object(field("A", object(field("B", &shape.Type{Kind: shape.Map, Key: text, Elem: text})))), ``},
		{"what marshals itself", object(field("A", &shape.Type{Kind: shape.Marshaler})), ``},
		{"three strings", wide(3, text), `25 + len(e.F0) + len(e.F1) + len(e.F2)`},
		{"many strings", wide(13, text), ``},
		{"many numbers", wide(13, number), ``},
		{"many times", wide(7, &shape.Type{Kind: shape.Time}), ``},
	} {
		got := ""
		if room := serial.Room(c.t, jen.Id("e")); room != nil {
			got = strings.TrimSpace(room.GoString())
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRoomHoldsTheLongestValues(t *testing.T) {
	t.Parallel()
	float, err := codec.AppendFloat64(nil, -0.0000017097427356433504)
	if err != nil {
		t.Fatal(err)
	}
	at, err := codec.AppendTime(nil, time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.FixedZone("", -3600)))
	if err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[shape.Kind][]byte{
		shape.Float: float,
		shape.Time:  at,
		shape.UUID:  codec.AppendUUID(nil, uuid.Max),
	} {
		room := 0
		if _, err := fmt.Sscan(serial.Room(object(field("A", &shape.Type{Kind: kind})), jen.Id("e")).GoString(), &room); err != nil {
			t.Fatal(err)
		}
		if want := len(`{"A":}`) + len(text); room < want {
			t.Errorf("%s: %d bytes, want %d for %s", kind, room, want, text)
		}
	}
}
