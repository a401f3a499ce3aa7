package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Edge is a kind of stored event. What is written for an edge and a shape must stay the same for ever: a text that differs
// from the one that is released is added beside it.
type Edge string

// The edges.
const (
	Zero Edge = "zero" // the zero value
	Bare Edge = "bare" // only what is required
	Full Edge = "full" // usual values, everything set, each value another
	High Edge = "high" // the greatest values, long and odd texts
	Low  Edge = "low"  // the least values, lists that are empty and not nil
	Was  Edge = "was"  // as Full, under the fields' first former names
)

// Edges are all edges, in the order in which the texts are made.
var Edges = []Edge{Zero, Bare, Full, High, Low, Was}

// payload returns the JSON text of an edge of a shape, and that which is stored for the value that it is read as: with
// defaults, under the names of today. It is false if there is a type in the shape that alone knows its texts, or where
// it would be too long to write down.
func payload(t *shape.Type, edge Edge) (stored, read string, ok bool) {
	w := &writer{edge: edge, within: map[*shape.Type]int{}}
	stored, _ = w.value(t)
	if edge != Bare && edge != Was {
		return stored, stored, w.ok(stored)
	}
	again := &writer{edge: edge, within: map[*shape.Type]int{}, read: true}
	read, _ = again.value(t)
	return stored, read, w.ok(stored)
}

// What is longer is of no use to people.
const (
	longest = 64 << 10
	most    = 4096 // values
)

func (w *writer) ok(stored string) bool {
	return !w.unknown && w.count <= most && len(stored) <= longest
}

// writer writes one text.
type writer struct {
	edge    Edge
	count   int // of values, so that each is another
	within  map[*shape.Type]int
	unknown bool
	read    bool // what is stored of the value that the text is read as
}

// value returns the text of a value and what it is, for omitempty and omitzero.
func (w *writer) value(t *shape.Type) (string, emptiness) {
	if w.count > most {
		return "null", 0
	}
	switch t.Kind {
	case shape.Struct:
		return w.object(t)
	case shape.Slice, shape.Map, shape.Pointer:
		return w.around(t)
	case shape.Array:
		var elems []string
		const many = 256
		if t.Len > many {
			w.unknown = true
			return "[]", 0
		}
		is := zero | isEmpty(t.Len == 0)
		for range t.Len {
			elem, of := w.value(t.Elem)
			elems = append(elems, elem)
			is &= of | empty
		}
		return "[" + strings.Join(elems, ",") + "]", is
	}
	w.count++
	if len(t.Enum) > 0 && w.edge != Zero && w.edge != Bare {
		value := t.Enum[(w.count-1)%len(t.Enum)]
		if t.Kind == shape.String {
			return quote(value), isZero(value == "") | isEmpty(value == "")
		}
		return value, isZero(value == "0") | isEmpty(value == "0")
	}
	return w.scalar(t)
}

// emptiness says why a value may be left out.
type emptiness uint8

const (
	zero  emptiness = 1 << iota // for omitzero
	empty                       // for omitempty
)

func isZero(is bool) emptiness {
	if is {
		return zero
	}
	return 0
}

func isEmpty(is bool) emptiness {
	if is {
		return empty
	}
	return 0
}

// scalar returns a value without parts.
func (w *writer) scalar(t *shape.Type) (string, emptiness) {
	unset := zero | empty
	pick := func(zero, full, high, low string) (string, emptiness) {
		text := zero
		switch w.edge {
		case Full, Was:
			text = full
		case High:
			text = high
		case Low:
			text = low
		}
		if text == zero {
			return text, unset
		}
		return text, 0
	}
	n := strconv.Itoa(w.count % 100)
	switch t.Kind {
	case shape.Bool:
		return pick("false", "true", "true", "false")
	case shape.Int:
		return pick("0", n, strconv.FormatInt(1<<(t.Bits-1)-1, 10), strconv.FormatInt(-1<<(t.Bits-1), 10))
	case shape.Uint:
		return pick("0", n, strconv.FormatUint(1<<t.Bits-1, 10), "0")
	case shape.Float:
		if t.Bits == 32 {
			return pick("0", n+".5", "3.4028235e+38", "-1e-45")
		}
		return pick("0", n+".25", "1.7976931348623157e+308", "-5e-324")
	case shape.Number:
		return pick("0", n+".50", "123456789012345678901234567890e+99", "-1")
	case shape.String:
		return pick(`""`, quote("text "+n), `"`+odd+n+`"`, `""`)
	case shape.Bytes:
		text, is := pick("null", quote64(n), `"AP8A/w=="`, `""`)
		return text, is | isEmpty(text == `""`)
	case shape.Time:
		text, _ := pick(`"0001-01-01T00:00:00Z"`, quote(time.Date(2024, 2, 29, 12, 30, w.count%60, 123456000, time.FixedZone("", 2*60*60)).Format(time.RFC3339Nano)),
			`"9999-12-31T23:59:59.999999999-23:59"`, `"0000-01-01T00:00:00Z"`)
		return text, isZero(strings.HasPrefix(text, `"0001`))
	case shape.UUID:
		text, _ := pick(`"00000000-0000-0000-0000-000000000000"`, fmt.Sprintf(`"f47ac10b-58cc-4372-8567-0e02b2c3d4%02d"`, w.count%100),
			`"ffffffff-ffff-ffff-ffff-ffffffffffff"`, `"00000000-0000-0000-0000-000000000000"`)
		return text, isZero(strings.HasPrefix(text, `"00000000`))
	case shape.Raw:
		return pick("null", `{"free":["form",`+n+`,true,null]}`, `[1e308,"`+"\U0001F600"+`",{}]`, "{}")
	}
	w.unknown = true // of a type that marshals itself
	return "null", 0
}

// odd is a JSON text of all that needs care: what JSON escapes, what HTML does, the ends of Unicode's planes.
const odd = `\u0000\u001f\"\\\/\b\f\n\r\t\u007f<>&ü\u2028\u2029\ufffd😀\udbff\udfff and plain text `

func quote64(s string) string { return marshal([]byte("bytes " + s)) }

func quote(s string) string {
	if strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) < 0 {
		return `"` + s + `"`
	}
	return marshal(s)
}

// marshal writes a value as esgen's serializers do.
func marshal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings, bytes and finite numbers can be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// around returns a value that holds others. One that may hold itself ends after a few levels.
func (w *writer) around(t *shape.Type) (string, emptiness) {
	w.count++
	const deep = 2
	stop := w.within[t.Elem] >= deep
	w.within[t.Elem]++
	defer func() { w.within[t.Elem]-- }()
	switch {
	case w.edge == Zero, w.edge == Bare, t.Kind == shape.Pointer && (w.edge == Low || stop):
		return "null", zero | empty
	case w.edge == Low || stop:
		return map[shape.Kind]string{shape.Slice: "[]", shape.Map: "{}"}[t.Kind], empty
	}
	text, known := w.known(func() string { return w.elements(t) })
	switch {
	case known:
		return text, 0
	case t.Kind == shape.Pointer:
		return "null", zero | empty
	}
	return map[shape.Kind]string{shape.Slice: "[]", shape.Map: "{}"}[t.Kind], empty
}

// known returns a text, and whether it is one that is known.
func (w *writer) known(make func() string) (string, bool) {
	before := w.unknown
	w.unknown = false
	text := make()
	known := !w.unknown
	w.unknown = before
	return text, known
}

// elements returns the text of what a value holds: of a list or map two elements.
func (w *writer) elements(t *shape.Type) string {
	switch t.Kind {
	case shape.Pointer:
		text, _ := w.value(t.Elem)
		return text
	case shape.Slice:
		one, _ := w.value(t.Elem)
		two, _ := w.value(t.Elem)
		return "[" + one + "," + two + "]"
	}
	members := map[string]string{}
	for range 2 {
		key, _ := w.value(t.Key)
		if !strings.HasPrefix(key, `"`) {
			key = quote(key)
		}
		elem, _ := w.value(t.Elem)
		if members[key] == "" {
			members[key] = elem
		}
	}
	var all []string
	for key, elem := range members {
		all = append(all, key+":"+elem)
	}
	slices.Sort(all)
	return "{" + strings.Join(all, ",") + "}"
}

// object returns the text of a struct, its fields sorted by name: their order in the code must not count.
func (w *writer) object(t *shape.Type) (string, emptiness) {
	w.within[t]++
	defer func() { w.within[t]-- }()
	fields := slices.Clone(t.Fields)
	slices.SortFunc(fields, func(a, b *shape.Field) int { return strings.Compare(a.Name, b.Name) })
	var members []string
	all := zero
	for _, f := range fields {
		if (w.edge == Zero || w.edge == Low) && f.Behind {
			continue
		}
		var value string
		var is emptiness
		switch absent := w.edge == Bare && !f.Required(); {
		case absent && w.read && f.Default != nil:
			value = fallback(f)
		case !absent, w.read && !f.Behind:
			text, known := w.known(func() string {
				value, is = w.value(f.Type)
				return value
			})
			if !known && (f.OmitEmpty || f.OmitZero || f.Behind) {
				continue
			}
			w.unknown = w.unknown || !known
			value = text
			all &= is
		default:
			continue
		}
		if f.OmitEmpty && is&empty != 0 || f.OmitZero && is&zero != 0 {
			continue
		}
		if f.Quoted && value != "null" {
			value = quote(canonical(value))
		}
		members = append(members, quote(w.name(t, f))+":"+value)
	}
	return "{" + strings.Join(members, ",") + "}", all
}

// fallback returns a default as it is stored.
func fallback(f *shape.Field) string {
	text := *f.Default
	switch f.Type.Kind {
	case shape.String:
		return quote(text)
	case shape.Float:
		if x, err := strconv.ParseFloat(text, f.Type.Bits); err == nil {
			if f.Type.Bits == 32 {
				return marshal(float32(x))
			}
			return marshal(x)
		}
	case shape.Int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return marshal(n)
		}
	}
	return text
}

// canonical returns a JSON string as it is written.
func canonical(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) != nil {
		return text // no string
	}
	return quote(s)
}

// name returns the name under which a field is stored.
func (w *writer) name(t *shape.Type, f *shape.Field) string {
	if w.edge != Was || w.read || len(f.Was) == 0 {
		return f.Name
	}
	if slices.ContainsFunc(t.Fields, func(other *shape.Field) bool { return other.Name == f.Was[0] }) {
		return f.Name // it has another meaning now
	}
	return f.Was[0]
}
