package corpus

import (
	"encoding/json"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
	"github.com/esgen-go/esgen/internal/golden"
)

// locked returns the lock of one event with these versions, each of them JSON.
func locked(t *testing.T, versions ...string) *lock.Lock {
	t.Helper()
	list := problem.NewList(token.NewFileSet())
	e := lock.Parse("order.placed.json", []byte(`{"format":1,"event":"order.placed","category":"order","aggregate":"Order","versions":[`+
		strings.Join(versions, ",")+`]}`), list)
	if e == nil {
		t.Fatal(list.Lines("."))
	}
	return lock.New("esgen.lock", []*lock.Event{e}, list)
}

const (
	v1     = `{"version":1,"state":"current","go":"Placed","fields":[{"name":"sku","go":"SKU","type":"string"}]}`
	v1Note = `{"version":1,"state":"current","go":"Placed","fields":[{"name":"note","go":"Note","type":"*string"},{"name":"sku","go":"SKU","type":"string"}]}`
	v1Old  = `{"version":1,"state":"upcast","go":"Placed","upcast":{"to":"order.placed 2"},"fields":[{"name":"sku","go":"SKU","type":"string"}]}`
	v2     = `{"version":2,"state":"current","go":"Placed","fields":[{"name":"article","go":"Article","type":"string","default":"a"}]}`
)

// names returns the goldens, as version/name.
func names(c Corpus) string {
	var all []string
	for _, g := range c["order.placed.json"].Goldens {
		all = append(all, golden.Is(g.Name, g.Version))
	}
	return strings.Join(all, ", ")
}

func TestAGoldenIsAddedNeverReplaced(t *testing.T) {
	t.Parallel()
	first, noted := locked(t, v1), locked(t, v1Note)
	released := Next(first, &lock.Lock{}, nil, nil)
	if got, want := names(released), "full 1, high 1, zero 1"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	next := Next(noted, first, released, released)
	if got, want := names(next), "bare 1, full 1, full-2 1, high 1, high-2 1, zero 1, zero-2 1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, g := range released["order.placed.json"].Goldens {
		if diff := cmp.Diff(g, next["order.placed.json"].Get(g.Version, g.Name)); diff != "" {
			t.Errorf("a golden has changed:\n%s", diff)
		}
	}
	// Back again, and forth.
	if got, want := names(Next(first, noted, next, next)), names(next); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := names(Next(noted, first, next, released)), names(next); got != want {
		t.Errorf("a second time: got %s, want %s", got, want)
	}
	// What is not released follows the shape.
	if got, want := names(Next(first, noted, next, nil)), names(released); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// An old version is stored no more, so that nothing is added to it.
	if got, want := names(Next(locked(t, v1Old, v2), first, released, released)), "full 1, high 1, zero 1, bare 2, full 2, high 2, zero 2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatPeopleHaveAddedAndAcceptedIsKept(t *testing.T) {
	t.Parallel()
	l := locked(t, v2)
	working := Next(l, &lock.Lock{}, nil, nil)
	f := working["order.placed.json"]
	if bare := f.Get(2, "bare"); bare == nil || bare.Result.String() != `order.placed 2 {"article":"a"}` {
		t.Errorf("without the field, it is read as %v", bare)
	}
	accepted := golden.Result{Read: []golden.Event{{Is: "order.placed 2", Data: []byte(`{"article":"b"}`)}}}
	f.Get(2, "full").Result = accepted
	f.Goldens = append(f.Goldens, &golden.Golden{Version: 2, Name: "of June", Stored: []byte(`{}`), Result: accepted})
	next := Next(l, l, working, nil)["order.placed.json"]
	for _, name := range []string{"full", "of June"} {
		if g := next.Get(2, name); g == nil || !g.Same(accepted) {
			t.Errorf("%s is read as %v", name, g)
		}
	}
}

// The lock of the nasty package has every kind of shape that there is.
func TestPayloadsAreJSONWhateverTheOrderOfFields(t *testing.T) {
	t.Parallel()
	list := problem.NewList(token.NewFileSet())
	files, err := filepath.Glob("../emit/serial/testdata/nasty/esgen.lock/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var texts [2][]string
		for i := range texts {
			e := lock.Parse(file, data, list)
			if e == nil {
				t.Fatal(list.Lines("."))
			}
			s := e.Versions[0].Shape
			if i > 0 {
				for t := range s.All() {
					slices.Reverse(t.Fields)
				}
			}
			for _, edge := range Edges {
				stored, read, ok := payload(s, edge)
				if !json.Valid([]byte(stored)) || !json.Valid([]byte(read)) {
					t.Errorf("%s, %s: %s\n%s", file, edge, stored, read)
				}
				if ok {
					texts[i] = append(texts[i], stored, read)
				}
			}
		}
		if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
			t.Errorf("%s: the order of fields counts:\n%s", file, diff)
		}
	}
}

func TestAShapeThatIsTooLargeHasNoPayload(t *testing.T) {
	t.Parallel()
	s := &shape.Type{Kind: shape.Array, Len: 1 << 40, Elem: &shape.Type{Kind: shape.Int, Bits: 64}}
	if text, _, ok := payload(s, Full); ok {
		t.Errorf("%s", text)
	}
	// Each level has two of the next.
	deep := &shape.Type{Kind: shape.String}
	for range 40 {
		deep = &shape.Type{Kind: shape.Slice, Elem: deep}
	}
	if text, _, ok := payload(deep, Full); ok {
		t.Errorf("%d bytes", len(text))
	}
}
