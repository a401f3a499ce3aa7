package codec

import "sync"

// Exact returns what encode appends, in memory of its own and of just that size: it is appended to a
// buffer that is used again and then copied once, which costs less than a slice that grows. encode must
// not keep the buffer.
func Exact(encode func(dst []byte) ([]byte, error)) ([]byte, error) {
	b := buffers.Get().(*buffer)
	text, err := encode(b.free)
	if err != nil {
		buffers.Put(b)
		return nil, err
	}
	exact := make([]byte, len(text))
	copy(exact, text)
	if n := cap(text); n > cap(b.free) && n <= longestKept {
		b.free = text[:0]
	}
	buffers.Put(b)
	return exact, nil
}

// longestKept keeps one huge event from holding on to its buffer.
const longestKept = 1 << 20

type buffer struct{ free []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 1024)} }}
