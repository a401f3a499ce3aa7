package codec

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// Keys are a map's keys in the order in which they are encoded, in memory that is
// used again after Release.
type Keys[K any] struct {
	Sorted []K
	pool   *sync.Pool
}

// Release ends the use of Sorted. Without it the memory is garbage, no more.
func (k *Keys[K]) Release() {
	if k.pool != nil {
		clear(k.Sorted)
		k.Sorted = k.Sorted[:0]
		k.pool.Put(k)
	}
}

var (
	stringKeys = sync.Pool{New: func() any { return new(Keys[string]) }}
	intKeys    = sync.Pool{New: func() any { return new(Keys[int64]) }}
	uintKeys   = sync.Pool{New: func() any { return new(Keys[uint64]) }}
	uuidKeys   = sync.Pool{New: func() any { return new(Keys[uuid.UUID]) }}
)

// StringKeys returns m's keys.
func StringKeys[M ~map[K]V, K ~string, V any](m M) *Keys[string] {
	k := stringKeys.Get().(*Keys[string])
	k.pool = &stringKeys
	for key := range m {
		k.Sorted = append(k.Sorted, string(key))
	}
	slices.Sort(k.Sorted)
	return k
}

// IntKeys returns m's keys, in the order of their digits.
func IntKeys[M ~map[K]V, K ~int | ~int8 | ~int16 | ~int32 | ~int64, V any](m M) *Keys[int64] {
	k := intKeys.Get().(*Keys[int64])
	k.pool = &intKeys
	for key := range m {
		k.Sorted = append(k.Sorted, int64(key))
	}
	slices.SortFunc(k.Sorted, func(a, b int64) int {
		var bufA, bufB [20]byte
		return bytes.Compare(strconv.AppendInt(bufA[:0], a, 10), strconv.AppendInt(bufB[:0], b, 10))
	})
	return k
}

// UintKeys returns m's keys, in the order of their digits.
func UintKeys[M ~map[K]V, K ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr, V any](m M) *Keys[uint64] {
	k := uintKeys.Get().(*Keys[uint64])
	k.pool = &uintKeys
	for key := range m {
		k.Sorted = append(k.Sorted, uint64(key))
	}
	slices.SortFunc(k.Sorted, func(a, b uint64) int {
		var bufA, bufB [20]byte
		return bytes.Compare(strconv.AppendUint(bufA[:0], a, 10), strconv.AppendUint(bufB[:0], b, 10))
	})
	return k
}

// UUIDKeys returns m's keys.
func UUIDKeys[M ~map[uuid.UUID]V, V any](m M) *Keys[uuid.UUID] {
	k := uuidKeys.Get().(*Keys[uuid.UUID])
	k.pool = &uuidKeys
	for key := range m {
		k.Sorted = append(k.Sorted, key)
	}
	slices.SortFunc(k.Sorted, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	return k
}

// TextKey is a map's key that marshals itself, with its text.
type TextKey[K any] struct {
	Text string
	Key  K
}

// TextKeys returns m's keys with the texts that text makes of them, sorted by these. It fails if text does,
// or if it makes the same of two keys.
func TextKeys[M ~map[K]V, K comparable, V any](m M, text func(*K) ([]byte, error)) ([]TextKey[K], error) {
	keys := make([]TextKey[K], 0, len(m))
	for key := range m {
		b, err := text(&key)
		if err != nil {
			return nil, failed(err)
		}
		keys = append(keys, TextKey[K]{string(b), key})
	}
	slices.SortFunc(keys, func(a, b TextKey[K]) int { return cmp.Compare(a.Text, b.Text) })
	for i := 1; i < len(keys); i++ {
		if keys[i].Text == keys[i-1].Text {
			return nil, InName(failed(ErrDuplicateName), keys[i].Text)
		}
	}
	return keys, nil
}

// IntName reads the integer in a map's key, of the given number of bits: the digits that encoding writes, and no others.
func IntName(name string, bits int) (int64, error) {
	n, err := strconv.ParseInt(name, 10, bits)
	if err != nil || strconv.FormatInt(n, 10) != name {
		return 0, wrongf(ErrFormat, "%q is no integer of %d bits", name, bits)
	}
	return n, nil
}

// UintName is IntName for unsigned integers.
func UintName(name string, bits int) (uint64, error) {
	n, err := strconv.ParseUint(name, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != name {
		return 0, wrongf(ErrFormat, "%q is no unsigned integer of %d bits", name, bits)
	}
	return n, nil
}
