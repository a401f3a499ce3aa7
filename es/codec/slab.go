package codec

import "unsafe"

// slab is memory for values of one type, of which a text has many: the lists in its lines, say. The first requests
// get just what they ask for, unless they come from the elements of a list, of which it is known how many there are. From
// the third on, as much is allocated at once as the rest of the text seems to need by how far apart the requests are, and
// handed out piece by piece.
type slab struct {
	kind     any            // a nil pointer to the values' type
	spare    unsafe.Pointer // to unused values, if n > 0
	n        int            // of these
	first    int            // where the first request was
	requests int
}

// around is the list that is being read.
type around struct {
	elements int // it probably has, 0 if there is no list
	depth    int // of the list
}

// largestSlab is how many bytes are allocated at once for more than one request. Whoever keeps one of the
// values keeps that much.
const largestSlab = 2 << 10

// slabOf returns the slab for values of type T, nil if the decoder has slabs for too many other types already.
func slabOf[T any](d *Decoder) *slab {
	for i := range d.slabs {
		s := &d.slabs[i]
		if s.kind == nil {
			s.kind, s.first = (*T)(nil), d.pos
		}
		if _, ok := s.kind.(*T); ok {
			return s
		}
	}
	return nil
}

// room returns for how many values to allocate when n of type T are requested, at d's position.
func room[T any](d *Decoder, s *slab, n int) int {
	if s == nil {
		return n
	}
	before := s.requests
	s.requests++
	most := largestSlab / int(max(unsafe.Sizeof(*new(T)), 1))
	times := 1
	switch {
	case n == 0 || 2*n > most:
		return n
	case before >= 2:
		stride := max((d.pos-s.first)/before, 1)
		times += (len(d.data) - d.pos) / stride
	case d.depth > d.around.depth:
		times = max(d.around.elements-before, 1)
	}
	return min(n*times, most)
}

// take returns the unused values, and keep gives them back.
func take[T any](s *slab) []T {
	free := unsafe.Slice((*T)(s.spare), s.n)
	s.n = 0
	return free
}

func keep[T any](s *slab, free []T) {
	s.spare, s.n = unsafe.Pointer(unsafe.SliceData(free)), len(free)
}

// List returns an empty slice, which isn't nil, with room for the elements of the array that is next. open is what they
// begin with: '{', or 0 for others. What is read is appended to it, and then goes to [Listed].
func List[T any](d *Decoder, open byte) []T {
	s := slabOf[T](d)
	if s != nil && s.n > 0 {
		s.requests++
		return take[T](s)[:0]
	}
	n := d.elements(open)
	list := make([]T, 0, room[T](d, s, n))
	if open == '{' {
		d.around = around{n, d.depth + 1}
	}
	return list
}

// Extend returns the list with one more element, a zero value, to be read in place: a struct that is appended afterwards would
// be copied. The list's room is zero already.
func Extend[T any](list []T) []T {
	if n := len(list); n < cap(list) {
		return list[:n+1]
	}
	var zero T
	return append(list, zero)
}

// Listed returns the list without the room that is left in it. That serves the lists to come, unless they
// would hardly fit, or it was so much too large that it must not be kept with the list.
func Listed[T any](d *Decoder, list []T) []T {
	if d.depth < d.around.depth {
		d.around = around{}
	}
	n := len(list)
	free := list[n:cap(list)]
	switch {
	case len(free) == 0 || len(free) < n:
	case len(free)*int(unsafe.Sizeof(*new(T))) > largestSlab:
		return append(make([]T, 0, n), list...)
	default:
		if s := slabOf[T](d); s != nil && len(free) > s.n {
			keep(s, free)
		}
	}
	return list[:n:n]
}

// New returns a pointer to a zero value, for a field that is one.
func New[T any](d *Decoder) *T {
	s := slabOf[T](d)
	if s == nil || s.n == 0 {
		n := room[T](d, s, 1)
		if n == 1 {
			return new(T)
		}
		keep(s, make([]T, n))
	} else {
		s.requests++
	}
	free := take[T](s)
	keep(s, free[1:])
	return &free[0]
}
