package shape_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// sources are the packages that tests can import, beside the standard library.
var sources = map[string]string{
	"github.com/esgen-go/esgen/aggregate": `package aggregate; type Root struct { id string; pending []any }`,
	"example.org/foreign": `package foreign
		type Plain struct { A int; B []Inner }
		type Inner struct { C chan int; D float64 }
		type Secret struct { a int }
		type Sealed struct { s string }
		func (s Sealed) MarshalText() ([]byte, error) { return nil, nil }
		func (s *Sealed) UnmarshalText([]byte) error { return nil }
		type hidden struct { A int }
		type hiddenKey string
		type Outer struct { hidden; N int }
		type Keys struct { A map[hiddenKey]int }
		type Leak struct { H hidden }
		type Half int
		func (Half) MarshalJSON() ([]byte, error) { return nil, nil }
	`,
	"example.org/lib/internal/in": `package in
		type Item struct { A int }
		type Code string
	`,
	"example.org/lib": `package lib
		import "example.org/lib/internal/in"
		type Order struct { One in.Item; Codes []in.Code; ByCode map[in.Code]int }
		type Flat struct { in.Item }
		type Optional struct { *in.Item }
	`,
}

type imports struct {
	mu   sync.Mutex
	std  types.Importer
	done map[string]*types.Package
}

func (i *imports) Import(path string) (*types.Package, error) {
	src, ok := sources[path]
	if !ok {
		return i.std.Import(path)
	}
	if i.done[path] == nil {
		pkg, err := check(token.NewFileSet(), path, src)
		if err != nil {
			return nil, err
		}
		i.done[path] = pkg
	}
	return i.done[path], nil
}

var shared = &imports{std: importer.Default(), done: map[string]*types.Package{}}

func check(fset *token.FileSet, path, src string) (*types.Package, error) {
	f, err := parser.ParseFile(fset, "event.go", src, 0)
	if err != nil {
		return nil, err
	}
	var first error
	conf := types.Config{Importer: shared, Error: func(err error) {
		if first == nil {
			first = err
		}
	}}
	pkg, _ := conf.Check(path, fset, []*ast.File{f}, nil)
	return pkg, first
}

// typeOf type-checks declarations and returns the one called E.
func typeOf(t *testing.T, src string) (*token.FileSet, types.Type) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	fset := token.NewFileSet()
	pkg, err := check(fset, "example.org/user", "package user\n"+src)
	if err != nil && !strings.Contains(src, "Unknown") && !strings.Contains(src, "G[[]T]") {
		t.Fatal(err)
	}
	return fset, pkg.Scope().Lookup("E").Type()
}

func TestProblemsNameFieldPathAndRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		mode  shape.Mode
		src   string
		wants []string // each "line: part of the problem"
	}{
		{"channel", shape.Event, "type E struct {\n C chan int `json:\"c\"`\n}", []string{`3: E.c: a channel can't be stored: remove the field, or tag it json:"-"`}},
		{"function, complex, pointer", shape.Event, "import \"unsafe\"\ntype E struct {\n F func()\n C complex64\n P unsafe.Pointer\n}", []string{"4: E.F: a function", "5: E.C: a complex64", "6: E.P: a Pointer"}},
		{"interfaces", shape.Event, "type E struct {\n A any\n B error\n C interface{ M() }\n}", []string{"3: E.A: an interface", "4: E.B: an interface (error)", "5: E.C: an interface"}},
		{"path through lists, maps and pointers", shape.Event, "type E struct {\n Items []*Item `json:\"items\"`\n}\ntype Item struct {\n Prices map[string][]chan int `json:\"prices\"`\n}", []string{"6: E.items[].prices{}[]: a channel"}},
		{"unexported", shape.Event, "type E struct {\n a int\n b int `json:\"-\"`\n _ int\n}", []string{"3: E.a: the unexported field would be lost: export it"}},
		{"embedded unexported", shape.Event, "type num int\ntype in struct{ A int }\ntype E struct {\n num\n *in\n}", []string{"5: E.num: the embedded field of an unexported type", "6: E.in: an embedded pointer to an unexported struct"}},
		{"foreign", shape.Event, "import \"example.org/foreign\"\ntype E struct {\n P foreign.Plain\n S foreign.Secret\n L foreign.Leak\n H foreign.Half\n T foreign.Sealed\n}",
			[]string{"4: E.P.B[].C: a channel", "5: E.S.a: the unexported field would be lost: use a type of your own", "6: E.L.H: example.org/foreign.hidden can't be named", "7: E.H: example.org/foreign.Half has MarshalJSON without UnmarshalJSON"}},
		{"foreign embedded", shape.Event, "import \"example.org/foreign\"\ntype E struct {\n O foreign.Outer\n}", []string{"4: E.O.hidden: the fields of an unexported struct that another package embeds"}},
		{"foreign keys", shape.Event, "import \"example.org/foreign\"\ntype E struct {\n K foreign.Keys\n}", []string{"4: E.K.A: example.org/foreign.hiddenKey can't be named"}},
		{"internal", shape.Event, "import \"example.org/lib\"\ntype E struct {\n O lib.Order\n F lib.Flat\n P lib.Optional\n}",
			[]string{"4: E.O.One: example.org/lib/internal/in.Item is in an internal package, which can't be imported from here: use", "4: E.O.Codes[]", "4: E.O.ByCode",
				"6: E.P.Item: example.org/lib/internal/in.Item is in an internal package"}},
		{"made of a foreign struct", shape.State, "import \"time\"\ntype Day time.Time\ntype E struct {\n D []Day\n}",
			[]string{"5: E.D[].wall: example.org/user.Day has unexported fields", "5: E.D[].ext", "5: E.D[].loc"}},
		{"an aggregate within a state", shape.State, "import \"github.com/esgen-go/esgen/aggregate\"\ntype A struct {\n aggregate.Root\n}\ntype E struct {\n aggregate.Root\n A *A\n B A `esgen:\"-\"`\n C []*E\n}",
			[]string{"8: E.A: an aggregate within a state would lose its id", "10: E.C[]: an aggregate"}},
		{"each field that leads there", shape.Event, "import \"example.org/foreign\"\ntype E struct {\n A foreign.Secret\n B foreign.Secret\n}", []string{"4: E.A.a", "5: E.B.a"}},
		{"map keys", shape.Event, "type K struct{ A int }\ntype E struct {\n A map[K]int\n B map[float64]int\n C map[bool]int\n D map[*string]int\n}", []string{"4: E.A: a map with keys of type", "5: E.B", "6: E.C", "7: E.D"}},
		{"half pairs", shape.Event, "type U int\nfunc (*U) UnmarshalJSON([]byte) error { return nil }\ntype M int\nfunc (M) MarshalText() ([]byte, error) { return nil, nil }\ntype E struct {\n U U\n M M\n K map[M]int\n}", []string{"7: E.U: example.org/user.U has UnmarshalJSON without", "8: E.M: example.org/user.M has MarshalText without", "9: E.K"}},
		{"promoted methods", shape.Event, "import \"time\"\ntype E struct {\n time.Time\n A int\n}", []string{"3: E: example.org/user.E has the MarshalJSON"}},
		{"ambiguous names", shape.Event, "type A struct { X int }\ntype B struct { X int }\ntype E struct {\n A\n B\n}", []string{"3: E.X: several fields have this name"}},
		{"same tag twice", shape.Event, "type E struct {\n A int `json:\"x\"`\n B int `json:\"x\"`\n}", []string{"4: E.x: several fields"}},
		{"bad name", shape.Event, "type E struct {\n A int `json:\"a\\\"b\"`\n}", []string{"3: E.A: encoding/json doesn't take"}},
		{"string option on a marshaler", shape.Event, "type M int\nfunc (M) MarshalText() ([]byte, error) { return nil, nil }\nfunc (*M) UnmarshalText([]byte) error { return nil }\ntype E struct {\n M M `json:\",string\"`\n}", []string{"6: E.M: encoding/json writes"}},
		{"esgen tags", shape.Event, "type E struct {\n A int `esgen:\"-\"`\n B int `esgen:\"wsa=x\"`\n C []int `esgen:\"default=1\"`\n D int8 `esgen:\"default=128\"`\n F bool `esgen:\"default=yes\"`\n G string `json:\",omitempty\" esgen:\"default=x\"`\n H float64 `esgen:\"default=NaN\"`\n I uint `esgen:\"default=-1\"`\n}",
			[]string{`3: E.A: esgen:"-" is for states`, `4: E.B: esgen:"wsa=x" is not known`, "5: E.C: a default is for booleans", `6: E.D: the default "128" is no value of type int8`, "7: E.F", "8: E.G: a zero value would be left out", "9: E.H", "10: E.I"}},
		{"default behind an embedded pointer", shape.Event, "type E struct {\n *In\n}\ntype In struct {\n A int `esgen:\"default=1\"`\n}", []string{"6: E.A: a default in an embedded pointer"}},
		{"omitzero of what can't be compared", shape.Event, "type L struct { A [][2][]int; B [2][]int }\ntype E struct {\n L L `json:\",omitzero\"`\n}", []string{"4: E.L: omitzero can't tell"}},
		{"unknown type", shape.Event, "type E struct {\n A Unknown\n B []Unknown\n C map[Unknown]int\n}", []string{"3: E.A: the type is unknown", "4: E.B[]", "5: E.C"}},
		{"generic", shape.Event, "type E[T any] struct {\n A T\n}", []string{"3: E.A: a type parameter"}},
		{"endless generic", shape.Event, "type G[T any] struct {\n Next *G[[]T]\n}\ntype E struct {\n G G[int]\n}", []string{"3: E.G.Next.Next"}},
		{"pointers to nothing", shape.Event, "type P *P\ntype Q **R\ntype R *Q\ntype Int **int\ntype E struct {\n P P\n Q []Q\n I Int\n}", []string{"7: E.P: example.org/user.P holds nothing but pointers", "8: E.Q[]"}},
		{"no struct", shape.Event, "type E int", []string{"2: E: example.org/user.E is no struct"}},
		{"state", shape.State, "import (\"sync\"; \"github.com/esgen-go/esgen/aggregate\")\ntype E struct {\n aggregate.Root\n mu sync.Mutex\n ok sync.Mutex `esgen:\"-\"`\n on func()\n a any\n d int `esgen:\"default=1\"`\n e int `esgen:\"x\"`\n}",
			[]string{"5: E.mu", "7: E.on: a function can't be stored: tag the field esgen:\"-\"", "8: E.a: an interface", "9: E.d: a state's field has no default", `10: E.e: esgen:"x" is not known`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fset, typ := typeOf(t, c.src)
			_, problems := shape.Of(typ, c.mode)
			for i, p := range problems {
				got := fmt.Sprintf("%d: %s", fset.Position(p.Pos).Line, p)
				if i >= len(c.wants) || !strings.HasPrefix(got, c.wants[i]) {
					t.Errorf("got  %s", got)
				}
				if p.Remedy == "" {
					t.Errorf("no remedy: %s", got)
				}
			}
			if len(problems) != len(c.wants) {
				t.Errorf("%d problems, want %q", len(problems), c.wants)
			}
		})
	}
}

func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	_, typ := typeOf(t, `
		type E struct {
			Plain int
			Tagged string `+"`json:\"tagged\"`"+`
			Opt *int
			Empty []int `+"`json:\",omitempty\"`"+`
			Gone int `+"`json:\"-\"`"+`
			Dash int `+"`json:\"-,\"`"+`
			Base
			*Ptr
			Named Base `+"`json:\"named\"`"+`
			Def bool `+"`esgen:\"default=true\"`"+`
		}
		type Base struct { ID string; Tagged string; Plain int }
		type Ptr struct { Far int }
	`)
	s, problems := shape.Of(typ, shape.Event)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, f := range s.Fields {
		line := f.Name
		if !f.Required() {
			line += "?"
		}
		got = append(got, line)
	}
	want := "Plain tagged Opt? Empty? - ID Tagged Far? named Def?"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestStateHasEveryFieldByItsGoName(t *testing.T) {
	t.Parallel()
	_, typ := typeOf(t, `
		import ("time"; "github.com/esgen-go/esgen/aggregate")
		type E struct {
			aggregate.Root
			Owner string `+"`json:\"owner,omitempty\"`"+`
			balance int64 `+"`json:\"-\"`"+`
			inner
			at *time.Time
			cache map[string]chan int `+"`esgen:\"-\"`"+`
		}
		type inner struct { x, Y int }
		func (inner) MarshalJSON() ([]byte, error) { return nil, nil }
	`)
	s, problems := shape.Of(typ, shape.State)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, f := range s.Fields {
		got = append(got, fmt.Sprint(f.Name, ":", f.Type.Kind, f.Required()))
	}
	want := []string{"Owner:string true", "balance:int true", "inner:struct true", "at:pointer false"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFingerprintTellsWhatIsStored(t *testing.T) {
	t.Parallel()
	print := func(src string, mode shape.Mode) string {
		_, typ := typeOf(t, src)
		s, problems := shape.Of(typ, mode)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return shape.Fingerprint(s)
	}
	base := "type E struct { A int; B []In }; type In struct { C string; N *E }"
	same := []string{
		"// Doc.\ntype E struct {\n\n B []In\n A int }; type In struct { N *E; C string }",
		"type E struct { A num; B []Other }; type num int64; type Other struct { C string; N *E }",
	}
	for _, src := range same {
		if print(src, shape.State) != print(base, shape.State) {
			t.Errorf("another fingerprint: %s", src)
		}
	}
	seen := map[string]string{print(base, shape.Event): base}
	for _, src := range []string{
		"type E struct { A int32; B []In }; type In struct { C string; N *E }",
		"type E struct { A uint; B []In }; type In struct { C string; N *E }",
		"type E struct { A2 int; B []In }; type In struct { C string; N *E }",
		"type E struct { A int `json:\"a\"`; B []In }; type In struct { C string; N *E }",
		"type E struct { A int `json:\",omitempty\"`; B []In }; type In struct { C string; N *E }",
		"type E struct { A int `json:\",string\"`; B []In }; type In struct { C string; N *E }",
		"type E struct { A int `esgen:\"default=5\"`; B []In }; type In struct { C string; N *E }",
		"type E struct { A int `esgen:\"default=6\"`; B []In }; type In struct { C string; N *E }",
		"type E struct { A int; B []*In }; type In struct { C string; N *E }",
		"type E struct { A int; B [3]In }; type In struct { C string; N *E }",
		"type E struct { A int; B map[string]In }; type In struct { C string; N *E }",
		"type E struct { A int; B []In }; type In struct { C []byte; N *E }",
		"type E struct { A int; B []In }; type In struct { C string; N *In }",
		"type E struct { A int; B []In }; type In struct { C string }",
	} {
		p := print(src, shape.Event)
		if other, ok := seen[p]; ok {
			t.Errorf("the same fingerprint:\n%s\n%s", src, other)
		}
		seen[p] = src
	}
}

func TestOfTakesAnything(t *testing.T) {
	t.Parallel()
	for _, typ := range []types.Type{nil, types.Typ[types.Invalid], types.Typ[types.UntypedNil], types.NewTuple(), types.NewSignatureType(nil, nil, nil, nil, nil, false)} {
		if _, problems := shape.Of(typ, shape.Event); len(problems) == 0 {
			t.Errorf("%v: no problem", typ)
		}
	}
}
