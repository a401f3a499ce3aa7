package codec

import "sync"

// Room returns dst, or if that is nil memory for a text of n bytes. It serves texts whose size is easily
// estimated before they are written; a longer one takes another allocation.
func Room(dst []byte, n int) []byte {
	if dst == nil {
		return make([]byte, 0, n)
	}
	return dst
}

// Scratch is memory for a text of any size: it is appended to a buffer that is used again, and then copied once,
// which costs less than a slice that grows. Use it as
//
//	s := codec.NewScratch(dst)
//	dst, err = s.Done(appendPlaced(s.Dst, &e))
type Scratch struct {
	Dst    []byte  // to append to
	buffer *buffer // nil if Dst is the caller's
}

// NewScratch returns memory to append to: dst, unless it is nil.
func NewScratch(dst []byte) Scratch {
	if dst != nil {
		return Scratch{Dst: dst}
	}
	b := buffers.Get().(*buffer)
	return Scratch{b.free, b}
}

// Done returns what was appended to s.Dst: in memory of its own and of just that size, if NewScratch was called
// with nil. Afterwards s.Dst belongs to others.
func (s Scratch) Done(text []byte, err error) ([]byte, error) {
	switch {
	case err != nil:
		return nil, err // the buffer is left to the collector
	case s.buffer == nil:
		return text, nil
	}
	exact := make([]byte, len(text))
	copy(exact, text)
	if n := cap(text); n > cap(s.buffer.free) && n <= longestKept {
		s.buffer.free = text[:0]
	}
	buffers.Put(s.buffer)
	return exact, nil
}

// longestKept keeps one huge event from holding on to its buffer.
const longestKept = 1 << 20

type buffer struct{ free []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 1024)} }}
