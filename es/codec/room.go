package codec

import "sync"

// Room returns dst, or if that is nil memory for a text of n bytes. It serves texts whose size is easily
// estimated before they are written; a longer one takes another allocation.
func Room(dst []byte, n int) []byte {
	if dst == nil {
		return piece(n)
	}
	return dst
}

// piece returns memory for n bytes that is nobody else's. Short texts are cut from blocks, which spares the collector most of
// their number; whoever keeps one of them keeps a block.
func piece(n int) []byte {
	const longest, size = 128, 1 << 10 // of a text in a block, and of a block
	if n > longest {
		return make([]byte, 0, n)
	}
	b := blocks.Get().(*block)
	if len(b.free) <= n {
		b.free = make([]byte, size)
	}
	text := b.free[:0:n]
	b.free = b.free[n:]
	blocks.Put(b)
	return text
}

type block struct{ free []byte }

var blocks = sync.Pool{New: func() any { return new(block) }}

// BoolLength returns how long b is as JSON.
func BoolLength(b bool) int {
	if b {
		return len("true")
	}
	return len("false")
}

// IntLength returns how long n is as JSON.
func IntLength(n int64) int {
	sign := n >> 63 // -1 if there is one
	return digitCount(uint64(n^sign-sign)) - int(sign)
}

// UintLength returns how long n is as JSON.
func UintLength(n uint64) int { return digitCount(n) }

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
