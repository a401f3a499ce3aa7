package resolution_test

import (
	"fmt"
	"go/token"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/resolution"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// types is what the fields of the tests are made of.
const types = `
	"S": {"fields": [{"name": "x", "go": "X", "type": "int32"}]},
	"W": {"fields": [{"name": "x", "go": "X", "type": "int64"}]},
	"N": {"fields": [{"name": "x", "go": "X", "type": "int16"}]},
	"R": {"fields": [{"name": "y", "go": "Y", "type": "int32", "was": ["x"]}]},
	"Tree": {"fields": [{"name": "x", "go": "X", "type": "int32"}, {"name": "sub", "go": "Sub", "type": "[]Tree"}]},
	"Wood": {"fields": [{"name": "x", "go": "X", "type": "int64"}, {"name": "sub", "go": "Sub", "type": "[]Wood"}]},
	"Thin": {"fields": [{"name": "x", "go": "X", "type": "int8"}, {"name": "sub", "go": "Sub", "type": "[]Thin"}]},
	"AB": {"type": "string", "enum": ["a", "b"]},
	"ABC": {"type": "string", "enum": ["a", "b", "c"]},
	"Lev": {"type": "int32", "enum": [1, 2]},
	"B": {"fields": [{"name": "b", "go": "B", "type": "int64"}]},
	"Low": {"type": "int8", "enum": {"Low": 1, "High": 2}}, "Mid": {"type": "int8", "enum": {"Low": 1, "Mid": 2, "High": 3}},
	"J": {"codec": "json"}, "K": {"codec": "json"}, "T": {"codec": "text"}`

// parse returns a shape with these fields, as a lock has them.
func parse(t *testing.T, fields string) *shape.Type {
	t.Helper()
	problems := problem.NewList(token.NewFileSet())
	e := lock.Parse("a.json", []byte(`{"format": 1, "event": "a", "category": "a", "aggregate": "A", "versions": [
		{"version": 1, "state": "current", "go": "A", "fields": [`+fields+`], "types": {`+types+`}}]}`), problems)
	if e == nil {
		t.Fatalf("%s: %v", fields, problems.Lines("."))
	}
	return e.Versions[0].Shape
}

// field writes a field f with a type, and what follows it.
func field(typ string) string {
	typ, rest, _ := strings.Cut(typ, " ")
	if rest != "" {
		rest = ", " + rest
	}
	return fmt.Sprintf(`{"name": "f", "go": "F", "type": %q%s}`, typ, rest)
}

func TestATypeIsReadAsAnotherIfNothingIsLost(t *testing.T) {
	t.Parallel()
	const omit, eur, sek = ` "optional": "omitempty"`, ` "default": "EUR"`, ` "default": "SEK"`
	for _, c := range []struct{ from, to, why string }{
		{"int32", "int64", ""}, {"int32", "int32", ""}, {"int64", "int32", "f: int64 → int32"}, {"uint32", "int64", ""},
		{"uint32", "uint64", ""}, {"uint64", "uint32", "f: uint64 → uint32"}, {"uint64", "int64", "f: uint64 → int64"}, {"uint32", "int32", "f: uint32 → int32"},
		{"int8", "uint64", "f: int8 → uint64"}, {"int32", "float64", ""}, {"uint32", "float64", ""}, {"int16", "float32", ""}, {"int32", "float32", "f: int32 → float32"},
		{"int64", "float64", "f: int64 → float64"}, {"float64", "int64", "f: float64 → int64"}, {"float32", "float64", ""}, {"float64", "float32", "f: float64 → float32"},
		{"string", "int64", "f: string → int64"}, {"int64", "string", "f: int64 → string"}, {"bool", "string", "f: bool → string"}, {"int64", "bool", "f: int64 → bool"},
		{"uuid", "string", ""}, {"string", "uuid", "f: string → uuid"}, {"string", "time", "f: string → time"}, {"time", "string", "f: time → string"},
		{"bytes", "string", "f: bytes → string"}, {"string", "bytes", "f: string → bytes"}, {"raw", "string", "f: raw → string"}, {"number", "float64", "f: number → float64"},
		{"string", "AB", ""}, {"AB", "string", ""}, {"AB", "ABC", ""}, {"ABC", "AB", "f: the value \"c\" has gone from AB"}, {"Lev", "int64", ""}, {"Low", "Mid", "f: High (2) → Mid (2)"}, {"Lev", "AB", "f: Lev → AB"},
		{"J", "J", ""}, {"J", "K", "f: J → K"}, {"T", "J", "f: T → J"}, {"T", "string", "f: T → string"}, {"J", "S", "f: J → S"},
		{"[]int32", "[]int64", ""}, {"[]int64", "[]int32", "f[]: int64 → int32"}, {"[]int32", "int32", "f: []int32 → int32"}, {"int32", "[]int32", "f: int32 → []int32"},
		{"[3]int32", "[3]int64", ""}, {"[3]int32", "[4]int32", "f: [3]int32 → [4]int32"}, {"[3]int32", "[]int32", "f: [3]int32 → []int32"},
		{"map[string]int32", "map[string]int64", ""}, {"map[string]int32", "map[int64]int32", "f: map[string]int32 → map[int64]int32"}, {"map[string]int64", "map[string]int32", "f{}: int64 → int32"},
		{"map[string]S", "[]S", "f: map[string]S → []S"}, {"S", "map[string]int32", "f: S → map[string]int32"},
		{"S", "W", ""}, {"S", "N", "f.x: int32 → int16"}, {"S", "R", ""}, {"[]S", "[]W", ""}, {"[]*S", "[]*N", "f[].x: int32 → int16"}, {"map[string]S", "map[string]N", "f{}.x: int32 → int16"},
		{"Tree", "Wood", ""}, {"Tree", "Thin", "f.x: int32 → int8"}, {"*Tree", "*Wood", ""},
		{"S", "*S", ""}, {"*S", "S", "f: null has no place in S, which has no default"}, {"[]S", "[]*S", ""}, {"[]*S", "[]S", "f[]: null has no place in S"},
		{"string", "string" + omit, ""}, {"string" + omit, "string", "f: it was optional and is required"}, {"string" + omit, "string" + eur, `f: where it is missing it was the zero value and would be "EUR"`},
		{"string", "string" + eur, ""}, {"string" + eur, "string", ""}, {"string" + eur, "string" + sek, ""}, {"string" + eur, "*string", `f: where it is missing it was "EUR" and would be null`},
		{"*string", "string" + eur, ""}, {"string" + omit, "*string", "f: where it is missing it was the zero value and would be null"}, {"*string", "string" + omit, "f: null has no place in string, which has no default"},
		{`int64 "quoted": true`, "int64", "f: int64 in quotes → int64"}, {`int32 "quoted": true`, `int64 "quoted": true`, ""},
		{`string "optional": "embedded"`, "string", "f: it was optional and is required"},
	} {
		old, next := parse(t, field(c.from)), parse(t, field(c.to))
		_, reasons := resolution.View(old, next, next, "FromV1")
		var why []string
		for _, r := range reasons {
			why = append(why, r.String())
		}
		if got := strings.Join(why, "; "); got != c.why {
			t.Errorf("%s → %s: %q, want %q", c.from, c.to, got, c.why)
		}
	}
}

func TestAFieldIsFoundByWhatItWas(t *testing.T) {
	t.Parallel()
	a, b, c := `{"name": "a", "go": "A", "type": "int64"}`, `{"name": "b", "go": "B", "type": "int64"}`, `{"name": "c", "go": "C", "type": "int64"}`
	was := func(field, names, rest string) string {
		return strings.TrimSuffix(field, "}") + `, "was": [` + names + `]` + rest + `}`
	}
	opt := func(field string) string { return strings.TrimSuffix(field, "}") + `, "optional": "omitempty"}` }
	for _, test := range []struct{ name, old, next, want string }{
		{"the same", a, a, "A=a!"},
		{"renamed", a, was(b, `"a"`, ""), "B=a!"},
		{"renamed before that", b, was(b, `"a"`, ""), "B=b!"},
		{"removed", a + "," + b, a, "A=a!"},
		{"added", a, a + "," + opt(b), "A=a! B="},
		{"added, required", a, a + "," + b, "b: it is new and required, and old events lack it"},
		{"renamed, its name used again", a, was(b, `"a"`, "") + "," + opt(a), "B=a! A="},
		{"renamed, to what another was", a + "," + b, was(b, `"a"`, ""), "b: it could have been b or a, and the old shape has both"},
		{"swapped", a + "," + b, was(a, `"b"`, "") + "," + was(b, `"a"`, ""), "a: it could have been a or b, and the old shape has both; b: it could have been b or a, and the old shape has both"},
		{"from two", a + "," + b, was(c, `"a", "b"`, ""), "c: it could have been a or b, and the old shape has both"},
		{"misspelt", a, was(opt(b), `"x"`, ""), "b: was=x names no field of the old shape"},
		{"in another case", a, `{"name": "A", "go": "A", "type": "int64", "optional": "omitempty"}`, `A: it looks like what was a, whose values would be lost: write esgen:"was=a", or if it is another field, esgen:"default=…" or a version in between`},
		{"of one name in Go", a, strings.Replace(opt(b), `"B"`, `"A"`, 1), `b: it looks like what was a, whose values would be lost: write esgen:"was=a", or if it is another field, esgen:"default=…" or a version in between`},
		{"of one type, the only ones", a, opt(b), `b: it looks like what was a, whose values would be lost: write esgen:"was=a", or if it is another field, esgen:"default=…" or a version in between`},
		{"of one type, with a default", a, strings.TrimSuffix(b, "}") + `, "default": "0"}`, "B=(0)"},
		{"of one type, and not the only ones", a + "," + b, opt(c), "C="},
		{"of another's name in Go, and both there", a + "," + b, strings.Replace(a, `"A"`, `"B"`, 1) + "," + strings.Replace(b, `"B"`, `"A"`, 1), "a: it was called A, and what is called B was b: exchange their tags again; b: it was called B, and what is called A was a: exchange their tags again"},
		{"moved into an object", b, `{"name": "n", "go": "N", "type": "B", "optional": "omitzero"}`, "n: what is stored at b would be skipped"},
		{"moved out of one", `{"name": "n", "go": "N", "type": "B"}`, opt(b), "b: what is stored at n.b would be skipped"},
		{"of one name in Go, and both there", a, a + "," + strings.Replace(opt(b), `"B"`, `"A"`, 1), "A=a! A="},
		{"with former names", was(a, `"c", "b"`, "") + "," + b, a + "," + b, "A=a|c! B=b!"},
		{"a default of then", strings.TrimSuffix(a, "}") + `, "default": "1"}`, was(b, `"a"`, `, "default": "2"`), "B=a(1)"},
		{"a default of now", b, b + "," + strings.TrimSuffix(a, "}") + `, "default": "2"}`, "B=b! A=(2)"},
	} {
		old, next := parse(t, test.old), parse(t, test.next)
		view, reasons := resolution.View(old, next, next, "FromV1")
		var got []string
		for _, r := range reasons {
			got = append(got, r.String())
		}
		if len(reasons) > 0 {
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("%s: %q, want %q", test.name, got, test.want)
			}
			continue
		}
		for _, f := range view.Fields {
			s := f.Go + "=" + strings.Join(append([]string{f.Name}, f.Was...), "|")
			if f.Default != nil {
				s += "(" + *f.Default + ")"
			}
			if f.Required() {
				s += "!"
			}
			got = append(got, s)
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStepsAreTakenAtOnce(t *testing.T) {
	t.Parallel()
	one := parse(t, `{"name": "a", "go": "A", "type": "int8"}, {"name": "gone", "go": "Gone", "type": "string"}`)
	two := parse(t, `{"name": "b", "go": "B", "type": "int16", "was": ["a"]}, {"name": "new", "go": "New", "type": "string", "default": "2"}`)
	three := parse(t, `{"name": "c", "go": "C", "type": "int64", "was": ["b"]}, {"name": "new", "go": "New", "type": "string", "default": "3"}, {"name": "gone", "go": "Gone", "type": "string", "default": "3"}`)
	second, reasons := resolution.View(two, three, three, "FromV2")
	if len(reasons) > 0 {
		t.Fatal(reasons)
	}
	first, reasons := resolution.View(one, two, second, "FromV1")
	if len(reasons) > 0 {
		t.Fatal(reasons)
	}
	var got []string
	for _, f := range first.Fields {
		s := fmt.Sprintf("%s=%s %s%d", f.Go, f.Name, f.Type.Kind, f.Type.Bits)
		if f.Default != nil {
			s += " " + *f.Default
		}
		got = append(got, s)
	}
	// What version 2 had by default, version 1 has; what came with version 3 is not what version 1 called so.
	want := "C=a int64, New= string0 2, Gone= string0 3"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
