package codec

import (
	"bytes"
	"sync"
)

// Exact returns what encode appends, in memory of its own and of just that size: it is appended to a
// buffer that is used again, and then copied once, which costs less than a slice that grows.
func Exact(encode func(dst []byte) ([]byte, error)) ([]byte, error) {
	scratch := buffers.Get().(*[]byte)
	defer buffers.Put(scratch)
	text, err := encode((*scratch)[:0])
	if err != nil {
		return nil, err
	}
	if cap(text) <= longestKept {
		*scratch = text
	}
	return bytes.Clone(text), nil
}

// longestKept keeps one huge event from holding on to its buffer.
const longestKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 1024)) }}
