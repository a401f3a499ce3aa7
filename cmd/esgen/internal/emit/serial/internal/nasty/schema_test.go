package nasty

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/go/packages"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/docs"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// The JSON Schemas of the catalogue say of a payload what the generated decoder says: of what was
// encoded, and of what has become of that by thousands of changes. Where a type marshals itself, its
// schema knows less than it does, and may accept more.
func TestSchemasAgreeWithDecoders(t *testing.T) {
	t.Parallel()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedTypes | packages.NeedImports | packages.NeedSyntax | packages.NeedName}, ".")
	if err != nil {
		t.Fatal(err)
	}
	pkg := loaded[0].Types
	for _, s := range subjects {
		of, problems := shape.Of(pkg.Scope().Lookup(s.name).Type(), shape.Event)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if of.Kind != shape.Struct {
			continue // it marshals itself: its schema would be any value
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			event := &catalog.Event{Name: "nasty." + s.name}
			version := &catalog.Version{Event: event, Schema: 1, Shape: of}
			compare(t, s, compile(t, docs.Schema(version, "https://example.com/"+s.name+".json")), marshalsItself(of))
		})
	}
}

// compile compiles a schema that has to be a valid one.
func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return s
}

func marshalsItself(of *shape.Type) bool {
	for t := range of.All() {
		if t.Kind == shape.Marshaler || t.Kind == shape.Text {
			return true
		}
	}
	return false
}

func compare(t *testing.T, s subject, schema *jsonschema.Schema, lenient bool) {
	valid, refused := 0, 0
	check := func(text []byte) {
		t.Helper()
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		verdict := schema.Validate(value)
		decoded := s.decode(text, s.fresh())
		switch {
		case verdict == nil && decoded == nil:
			valid++
		case verdict != nil && decoded != nil:
			refused++
		case verdict == nil && !lenient || verdict != nil && decoded == nil:
			t.Fatalf("%s\nschema:  %v\ndecoder: %v", text, verdict, decoded)
		}
	}
	for seed := range uint64(100) {
		v := s.fresh()
		newFiller(seed, false).fill(reflect.ValueOf(v).Elem())
		text, err := s.append(nil, v)
		if err != nil {
			continue // a marshaling method refuses the value
		}
		check(text)
		if valid == 0 {
			t.Fatalf("refused as encoded: %s", text)
		}
		m := &mutator{rand.New(rand.NewPCG(seed, 3))}
		for range 20 {
			check(m.mutate(t, text))
		}
	}
	if refused == 0 && len(schema.Required) > 0 {
		t.Error("nothing was refused")
	}
	t.Logf("%d valid, %d refused", valid, refused)
}

// mutator changes JSON texts in one place. It makes no numbers that have another form than the encoder's, such
// as 1.0 for an integer, which are one value to JSON Schema; and no names of integers out of range.
type mutator struct{ *rand.Rand }

func (m *mutator) mutate(t *testing.T, text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	var places []func()
	var walk func(v any, set func(any))
	walk = func(v any, set func(any)) {
		places = append(places, func() { set(m.other(v)) })
		switch v := v.(type) {
		case map[string]any:
			places = append(places, func() { v[fmt.Sprint("unknown", m.IntN(100))] = m.other(nil) })
			for _, name := range slices.Sorted(maps.Keys(v)) {
				places = append(places, func() { delete(v, name) })
				walk(v[name], func(x any) { v[name] = x })
			}
		case []any:
			if len(v) > 0 {
				places = append(places, func() { set(v[1:]) }, func() { set(append(v[:len(v):len(v)], v[0])) })
			}
			for i := range v {
				walk(v[i], func(x any) { v[i] = x })
			}
		}
	}
	walk(root, func(x any) { root = x })
	places[m.IntN(len(places))]()
	changed, err := marshalV1(root)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// other returns something in place of v.
func (m *mutator) other(v any) any {
	others := []any{
		nil, true, "", "text", json.Number("0"), json.Number("-1"), json.Number("1.5"), json.Number("127"), json.Number("128"), json.Number("256"),
		json.Number("2147483648"), json.Number("9223372036854775807"), json.Number("9223372036854775808"), json.Number("18446744073709551616"),
		json.Number("1e39"), []any{}, []any{nil}, map[string]any{}, map[string]any{"x": nil},
		"2024-02-29T23:59:59.5+14:00", "2023-02-29T00:00:00Z", "2024-01-01T0:00:00Z", "2024-01-01 00:00:00Z", "2024-01-01T23:59:60Z", "2024-13-01T00:00:00Z",
		"f47ac10b-58cc-4372-8567-0e02b2c3d479", "f47ac10b-58cc-4372-8567-0e02b2c3d47", "Ynl0ZXM=", "Ynl0ZXM", "Ynl0Z-M=", "1", "01", "true", "null", `"quoted"`, `"open`,
	}
	if text, ok := v.(string); ok && m.IntN(3) == 0 {
		return strings.ToUpper(text) + "x"
	}
	return others[m.IntN(len(others))]
}
