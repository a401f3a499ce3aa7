package resolution_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/esgen-go/esgen/cmd/esgen/internal/resolution"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

var histories = flag.Int("histories", 3000, "how many random histories TestAllStepsAtOnceAreTheStepsOneByOne tries")

// A view leads from an old shape to the newest at once. What it reads must be what is read by taking each step
// with a struct, storing that in the shape of its version, and reading it with the next.
func TestAllStepsAtOnceAreTheStepsOneByOne(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &history{Rand: rand.New(rand.NewPCG(seed, 0))}
	taken, read := 0, 0
	for range *histories {
		h.next = 0
		versions := []*shape.Type{h.object(0)}
		var steps []*shape.Type // steps[i] reads version i into the struct of version i+1
		for len(versions) < 4 {
			last := versions[len(versions)-1]
			changed := h.changed(last, 0)
			step, reasons := resolution.View(last, changed, changed, "FromLast")
			if len(reasons) > 0 {
				continue
			}
			versions, steps = append(versions, changed), append(steps, step)
		}
		newest := len(versions) - 1
		view, reasons := versions[newest], []resolution.Reason(nil)
		for i := newest - 1; i >= 0 && len(reasons) == 0; i-- {
			view, reasons = resolution.View(versions[i], versions[i+1], view, "FromFirst")
		}
		if len(reasons) > 0 {
			continue // more can be in the way of several steps, of defaults behind pointers for one
		}
		taken++
		for range 4 {
			stored := h.json(versions[0])
			value, ok := decode(steps[0], stored)
			for i := 1; i < len(steps) && ok; i++ {
				value, ok = decode(steps[i], encode(versions[i], value))
			}
			got, ok2 := decode(view, stored)
			// (An empty list is left out by omitempty, and comes back as nil. At once, what is wrong with a field that has gone since doesn't show.)
			if ok && !ok2 || ok && !cmp.Equal(value, got, cmpopts.EquateEmpty()) {
				t.Fatalf("%v\none by one: %v %v\nat once:    %v %v\nversions:\n%s", stored, value, ok, got, ok2, text(versions))
			}
			if ok {
				read++
			}
		}
	}
	if taken < *histories/2 || read < taken {
		t.Errorf("only %d of %d histories, and %d texts, could be read", taken, *histories, read)
	}
}

// history makes shapes.
type history struct {
	*rand.Rand
	next int
}

func (h *history) fresh(prefix string) string {
	h.next++
	return prefix + strconv.Itoa(h.next)
}

func (h *history) object(depth int) *shape.Type {
	t := &shape.Type{Kind: shape.Struct}
	for range 1 + h.IntN(4) {
		t.Fields = append(t.Fields, h.field(depth))
	}
	return t
}

func (h *history) field(depth int) *shape.Field {
	f := &shape.Field{Name: h.fresh("n"), Go: h.fresh("G"), Type: h.value(depth)}
	switch h.IntN(4) {
	case 0:
		h.withDefault(f)
	case 1:
		f.OmitEmpty = f.Type.Kind != shape.Struct // which is never empty
	}
	return f
}

func (h *history) withDefault(f *shape.Field) {
	value := strconv.Itoa(h.IntN(9))
	switch f.Type.Kind {
	case shape.Int, shape.Float, shape.String:
		f.Default, f.OmitEmpty = &value, false
	}
}

func (h *history) value(depth int) *shape.Type {
	switch n := h.IntN(8); {
	case n == 0 && depth < 2:
		return h.object(depth + 1)
	case n == 1 && depth < 2:
		return &shape.Type{Kind: shape.Slice, Elem: h.value(depth + 1)}
	case n == 2 && depth < 2:
		return &shape.Type{Kind: shape.Pointer, Elem: h.value(2)}
	case n == 3:
		return &shape.Type{Kind: shape.String}
	case n == 4:
		return &shape.Type{Kind: shape.Float, Bits: 64}
	}
	return &shape.Type{Kind: shape.Int, Bits: []int{8, 16, 32, 64}[h.IntN(4)]}
}

// changed returns a shape with some changes, among them ones that can't be read.
func (h *history) changed(t *shape.Type, depth int) *shape.Type {
	c := *t
	switch t.Kind {
	case shape.Int:
		if h.IntN(3) == 0 {
			c.Bits = max(t.Bits, []int{16, 32, 64}[h.IntN(3)])
		}
	case shape.Slice:
		c.Elem = h.changed(t.Elem, depth+1)
	case shape.Pointer:
		if h.IntN(4) == 0 {
			return h.changed(t.Elem, depth)
		}
		c.Elem = h.changed(t.Elem, depth+1)
	case shape.Struct:
		c.Fields = nil
		for _, f := range t.Fields {
			if h.IntN(8) == 0 {
				continue
			}
			g := *f
			g.Type = h.changed(f.Type, depth+1)
			if h.IntN(5) == 0 {
				g.Was, g.Name = []string{f.Name}, h.fresh("n")
			}
			switch h.IntN(6) {
			case 0:
				h.withDefault(&g)
			case 1:
				g.Default = nil
			case 2:
				g.OmitEmpty = g.Default == nil && g.Type.Kind != shape.Struct
			}
			if f.Type.Kind == shape.Pointer && g.Type.Kind != shape.Pointer {
				h.withDefault(&g)
			}
			c.Fields = append(c.Fields, &g)
		}
		for h.IntN(3) == 0 {
			f := h.field(depth)
			if len(t.Fields) > 0 && h.IntN(3) == 0 {
				f.Name = t.Fields[h.IntN(len(t.Fields))].Name // again
			}
			if !slices.ContainsFunc(c.Fields, func(g *shape.Field) bool { return g.Name == f.Name }) {
				c.Fields = append(c.Fields, f)
			}
		}
	}
	if h.IntN(12) == 0 && depth > 0 && c.Kind != shape.Pointer {
		return &shape.Type{Kind: shape.Pointer, Elem: &c}
	}
	return &c
}

// json returns a stored value of a shape, as encoding/json would decode it.
func (h *history) json(t *shape.Type) any {
	switch t.Kind {
	case shape.Int, shape.Float:
		return float64(h.IntN(9))
	case shape.String:
		return strconv.Itoa(h.IntN(9))
	case shape.Pointer:
		if h.IntN(3) == 0 {
			return nil
		}
		return h.json(t.Elem)
	case shape.Slice:
		all := []any{}
		for range h.IntN(3) {
			all = append(all, h.json(t.Elem))
		}
		if len(all) == 0 && h.IntN(2) == 0 {
			return nil
		}
		return all
	}
	object := map[string]any{"unknown": 1.0}
	for _, f := range t.Fields {
		switch n := h.IntN(20); {
		case n < 6 && !f.Required() || n == 19 && h.IntN(9) == 0:
		case n == 6 && !f.Required():
			object[f.Name] = nil
		default:
			object[f.Name] = h.json(f.Type)
		}
	}
	return object
}

// decode does what a generated decoder does: structs become maps by the names in Go, and pointers
// something to tell from what they point to.
func decode(t *shape.Type, value any) (any, bool) {
	switch t.Kind {
	case shape.Int, shape.Float:
		n, ok := value.(float64)
		return n, ok
	case shape.String:
		s, ok := value.(string)
		return s, ok
	case shape.Pointer:
		if value == nil {
			return nil, true
		}
		elem, ok := decode(t.Elem, value)
		return [1]any{elem}, ok
	case shape.Slice:
		values, ok := value.([]any)
		if !ok {
			return []any(nil), value == nil
		}
		all := []any{}
		for _, v := range values {
			elem, ok := decode(t.Elem, v)
			if !ok {
				return nil, false
			}
			all = append(all, elem)
		}
		return all, true
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	result := map[string]any{}
	for _, f := range t.Fields {
		v, there := object[f.Name]
		there = there && f.Name != ""
		for _, was := range f.Was {
			other := slices.ContainsFunc(t.Fields, func(g *shape.Field) bool { return g.Name == was })
			if former, ok := object[was]; ok && !other {
				v, there = former, true
			}
		}
		takesNull := f.Type.Kind == shape.Pointer || f.Type.Kind == shape.Slice
		switch {
		case there && (v != nil || f.Required() || takesNull):
			if result[f.Go], ok = decode(f.Type, v); !ok {
				return nil, false
			}
		case f.Required():
			return nil, false
		case f.Default != nil && f.Type.Kind == shape.String:
			result[f.Go] = *f.Default
		case f.Default != nil:
			result[f.Go], _ = strconv.ParseFloat(*f.Default, 64)
		default:
			result[f.Go] = zero(f.Type)
		}
	}
	return result, true
}

func zero(t *shape.Type) any {
	switch t.Kind {
	case shape.Int, shape.Float:
		return 0.0
	case shape.String:
		return ""
	case shape.Pointer:
		return nil
	case shape.Slice:
		return []any(nil)
	}
	result := map[string]any{}
	for _, f := range t.Fields {
		result[f.Go] = zero(f.Type)
	}
	return result
}

// encode does what a generated encoder does.
func encode(t *shape.Type, value any) any {
	switch t.Kind {
	case shape.Pointer:
		if value == nil {
			return nil
		}
		return encode(t.Elem, value.([1]any)[0])
	case shape.Slice:
		values := value.([]any)
		if values == nil {
			return nil
		}
		all := []any{}
		for _, v := range values {
			all = append(all, encode(t.Elem, v))
		}
		return all
	case shape.Struct:
		object := map[string]any{}
		for _, f := range t.Fields {
			v := value.(map[string]any)[f.Go]
			all, isSlice := v.([]any)
			empty := v == nil || v == 0.0 || v == "" || isSlice && len(all) == 0
			if !f.OmitEmpty || !empty {
				object[f.Name] = encode(f.Type, v)
			}
		}
		return object
	}
	return value
}

func text(versions []*shape.Type) string {
	s := ""
	var write func(t *shape.Type)
	write = func(t *shape.Type) {
		s += t.Kind.String() + strconv.Itoa(t.Bits)
		if t.Elem != nil {
			s += "("
			write(t.Elem)
			s += ")"
		}
		for _, f := range t.Fields {
			s += fmt.Sprintf(" {%s %q was %q omit %v", f.Go, f.Name, f.Was, f.OmitEmpty)
			if f.Default != nil {
				s += " default " + *f.Default
			}
			s += ": "
			write(f.Type)
			s += "}"
		}
	}
	for _, v := range versions {
		write(v)
		s += "\n"
	}
	return s
}
