package upcasttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
	"github.com/esgen-go/esgen/internal/golden"
	"github.com/esgen-go/esgen/upcast"
)

type placedV1 struct {
	SKU string `json:"sku"`
	N   int32  `json:"n"`
}

type placed struct {
	SKU string `json:"sku"`
	N   int64  `json:"n"`
}

// chain reads version 1 in a way that a test chooses.
func chain(decode func(data []byte, old *placedV1) error) Chain[placed] {
	return Chain[placed]{
		Decode: func(name string, schema int, data []byte) ([]placed, error) {
			if schema == 2 {
				var e placed
				err := json.Unmarshal(data, &e)
				return []placed{e}, err
			}
			var old placedV1
			if err := decode(data, &old); err != nil {
				return nil, err
			}
			return []placed{{old.SKU, int64(old.N)}}, nil
		},
		Encode: func(dst []byte, event any) (string, int, []byte, error) {
			data, err := json.Marshal(event)
			return "order.placed", 2, append(dst, data...), err
		},
		Latest: []placed{{}},
	}
}

func plain(data []byte, old *placedV1) error { return json.Unmarshal(data, old) }

// recorder notes failures in place of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestWhatAnOldVersionCanHoldMustBeTaken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		decode func(data []byte, old *placedV1) error
		want   string
	}{
		{"all is taken", plain, ""},
		{"an upcaster refuses", func(data []byte, old *placedV1) error { return upcast.Step("order.placed", 1, 2, errors.New("no")) }, ""},
		{"nested too deep", func(data []byte, old *placedV1) error { return codec.ErrDepth }, ""},
		{"a value is out of range", func(data []byte, old *placedV1) error {
			err := plain(data, old)
			if old.N > 127 {
				return codec.ErrRange
			}
			return err
		}, `version 1 of order.placed can hold what is not read any more: {"sku":"a","n":1000}`},
	} {
		r := &recorder{TB: t}
		total[placedV1](r, chain(c.decode), "order.placed", 1, []byte(` {"sku":"a","n":1000,"more":true}`))
		if got := strings.Join(r.failures, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	r := &recorder{TB: t}
	total[placedV1](r, chain(func([]byte, *placedV1) error { return codec.ErrType }), "order.placed", 1, []byte(`{"sku":1}`))
	if len(r.failures) > 0 {
		t.Errorf("what no old event can hold: %v", r.failures)
	}
}

func TestAResultShowsOldAndNew(t *testing.T) {
	t.Parallel()
	g := &golden.Golden{Version: 1, Name: "full", Stored: []byte(`{"sku":"a","n":1}`)}
	g.Result = golden.Result{Read: []golden.Event{{Is: "order.placed 2", Data: []byte(`{"sku":"a","n":2}`)}}}
	now, err := chain(plain).read("order.placed", 1, g.Stored)
	if err != nil {
		t.Fatal(err)
	}
	const want = "stored\t{\"sku\":\"a\",\"n\":1}\nwas\torder.placed 2 {\"sku\":\"a\",\"n\":2}\nnow\torder.placed 2 {\"sku\":\"a\",\"n\":1}\n\tn: 2 → 1"
	if got := difference(g, g.Expected("order.placed"), now); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnEventOfWhichTheTextsAreUnknownNeedsGoldens(t *testing.T) {
	t.Parallel()
	c := chain(plain)
	f := &golden.File{Event: "order.placed", Goldens: []*golden.Golden{{Version: 1, Name: "full", Stored: []byte(`{}`)}}}
	if got := c.lacks(f); got != 2 {
		t.Errorf("goldens of version %d are missed, want 2", got)
	}
	c.add(t, f)
	if got := c.lacks(f); got != 0 {
		t.Errorf("goldens of version %d are still missed", got)
	}
	if g := f.Get(2, "go-full"); g == nil || !strings.Contains(string(g.Stored), `"sku":"text `) {
		t.Errorf("%s", f.Encode())
	}
	if got := c.lacks(&golden.File{Event: "order.paid"}); got != 0 {
		t.Errorf("goldens of version %d of another event are missed", got)
	}
}

func FuzzPlaced(f *testing.F) {
	FuzzStruct(f, chain(plain), "order.placed", 1, "testdata/placed.json", plain, true)
}

func FuzzPlacedLocked(f *testing.F) {
	FuzzLocked[placedV1](f, chain(plain), "order.placed", 1, "testdata/placed.json")
}

func TestGoldensOfPlaced(t *testing.T) {
	Goldens(t, chain(plain), "testdata/placed.json")
}
