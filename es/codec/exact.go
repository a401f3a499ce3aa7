package codec

import "sync"

// Exact returns what encode appends, in memory of its own and of just that size: it is appended to a
// buffer that is used again, and then copied once, which costs less than a slice that grows.
func Exact(encode func(dst []byte) ([]byte, error)) ([]byte, error) {
	scratch := buffers.Get().(*[]byte)
	text, err := encode((*scratch)[:0])
	var exact []byte
	if err == nil {
		exact = make([]byte, len(text))
		copy(exact, text)
		if cap(text) <= longestKept {
			*scratch = text
		}
	}
	buffers.Put(scratch)
	return exact, err
}

// longestKept keeps one huge event from holding on to its buffer.
const longestKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 1024)) }}
