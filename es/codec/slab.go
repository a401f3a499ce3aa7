package codec

import "unsafe"

// slab is memory for values of one type, of which a text has many: the lists in its lines, say. The first requests
// get just what they ask for. From the third on, as much is allocated at once as the rest of the text seems to need by how
// far apart the requests are, and handed out piece by piece.
type slab struct {
	kind     any            // a nil pointer to the values' type
	spare    unsafe.Pointer // to unused values
	n        int            // of these
	first    int            // where the first request was
	requests int
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
	s.requests++
	if s.requests < 3 || n == 0 {
		return n
	}
	most := largestSlab / int(max(unsafe.Sizeof(*new(T)), 1))
	if 2*n > most {
		return n
	}
	stride := max((d.pos-s.first)/(s.requests-1), 1)
	return min(n*(1+(len(d.data)-d.pos)/stride), most)
}

// take returns the unused values, and keep gives them back.
func take[T any](s *slab) []T {
	free := unsafe.Slice((*T)(s.spare), s.n)
	s.spare, s.n = nil, 0
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
	return make([]T, 0, room[T](d, s, d.elements(open)))
}

// Listed returns the list without the room that is left in it. That serves the lists to come, unless they
// would hardly fit.
func Listed[T any](d *Decoder, list []T) []T {
	n := len(list)
	if free := list[n:cap(list)]; len(free) > 0 && len(free) >= n {
		if s := slabOf[T](d); s != nil && len(free) > s.n {
			keep(s, free[:cap(free)])
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
