// Package codectest has the tests that esgen generates for each serializer.
// People don't usually call it.
package codectest

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

// Append and Decode are the signatures of generated functions.
type (
	Append[T any] func(dst []byte, v *T) ([]byte, error)
	Decode[T any] func(data []byte, v *T) error
)

// RoundTrip encodes samples of T (the zero value, one with everything set, extremes), decodes
// them, and encodes that again, which must give the same bytes. A sample that is refused by a marshaling
// method of one of T's types is left out: such methods alone know their values.
func RoundTrip[T any](t *testing.T, appendT Append[T], decodeT Decode[T]) {
	t.Helper()
	for _, s := range samples[T]() {
		t.Run(s.name, func(t *testing.T) {
			text, err := appendT(nil, s.value)
			if err != nil {
				if ours(err) {
					t.Fatalf("encode: %v", err)
				}
				t.Skipf("a type of this sample refuses its value: %v", err)
			}
			stable(t, text, appendT, decodeT)
		})
	}
}

// ours reports whether err comes from the codec rather than from a user's method.
func ours(err error) bool {
	for _, kind := range []error{
		codec.ErrInvalidUTF8, codec.ErrNotFinite, codec.ErrRange, codec.ErrDuplicateName, codec.ErrMissing, codec.ErrNull,
		codec.ErrDepth, codec.ErrSyntax, codec.ErrType, codec.ErrFormat, codec.ErrLength,
	} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// stable checks that a text that was encoded is decoded to a value that is encoded the same way.
func stable[T any](t *testing.T, text []byte, appendT Append[T], decodeT Decode[T]) *T {
	t.Helper()
	if !json.Valid(text) {
		t.Fatalf("what was encoded is no JSON: %s", text)
	}
	data := bytes.Clone(text)
	v := new(T)
	if err := decodeT(data, v); err != nil {
		t.Fatalf("decode what was encoded: %v\n%s", err, text)
	}
	for i := range data {
		data[i] = '#' // the caller uses the memory again
	}
	again, err := appendT(nil, v)
	if err != nil {
		t.Fatalf("encode what was decoded: %v\n%s", err, text)
	}
	if !bytes.Equal(again, text) {
		t.Fatalf("the value has changed:\n1st %s\n2nd %s", text, again)
	}
	return v
}

// Fuzz decodes arbitrary texts. None may panic, and what is accepted must be encoded,
// decoded and encoded again without a change.
func Fuzz[T any](f *testing.F, appendT Append[T], decodeT Decode[T]) {
	fuzz(f, appendT, decodeT, false)
}

// FuzzJSON is Fuzz for types that are stored as encoding/json would. What both accept
// must be the same value to both.
func FuzzJSON[T any](f *testing.F, appendT Append[T], decodeT Decode[T]) {
	fuzz(f, appendT, decodeT, true)
}

func fuzz[T any](f *testing.F, appendT Append[T], decodeT Decode[T], beside bool) {
	f.Helper()
	for _, s := range samples[T]() {
		if text, err := appendT(nil, s.value); err == nil {
			f.Add(text)
		}
	}
	f.Add([]byte("{}"))
	fields := map[string]bool{}
	fieldNames(reflect.TypeFor[T](), fields, map[reflect.Type]bool{})
	f.Fuzz(func(t *testing.T, text []byte) {
		v := new(T)
		if decodeT(bytes.Clone(text), v) != nil {
			return
		}
		once, err := appendT(nil, v)
		if err != nil {
			t.Fatalf("encode what was decoded: %v\n%s", err, text)
		}
		// Once more: methods such as IsZero may drop something the first time.
		back := new(T)
		if err := decodeT(once, back); err != nil {
			t.Fatalf("decode what was encoded: %v\n%s", err, once)
		}
		twice, err := appendT(nil, back)
		if err != nil {
			t.Fatalf("encode what was decoded twice: %v\n%s", err, once)
		}
		stable(t, twice, appendT, decodeT)
		if !beside || otherCase(text, fields) {
			return
		}
		std := new(T)
		if json.Unmarshal(text, std) != nil {
			return
		}
		got, err := appendT(nil, std)
		if err != nil {
			t.Fatalf("encode what encoding/json decoded: %v\n%s", err, text)
		}
		if !bytes.Equal(got, once) {
			t.Fatalf("encoding/json reads another value from %s:\nencoding/json %s\nesgen         %s", text, got, once)
		}
	})
}

// Agree checks that a text which both a decoder and encoding/json take is the same value to both.
func Agree[T any](t *testing.T, decodeT Decode[T], text []byte) {
	t.Helper()
	fields := map[string]bool{}
	fieldNames(reflect.TypeFor[T](), fields, map[reflect.Type]bool{})
	got, std := new(T), new(T)
	if decodeT(bytes.Clone(text), got) != nil || json.Unmarshal(text, std) != nil || otherCase(text, fields) {
		return
	}
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(std)
	if errA == nil && errB == nil && !bytes.Equal(a, b) {
		t.Fatalf("encoding/json reads another value from %s:\nencoding/json %s\nesgen         %s", text, b, a)
	}
}

// fieldNames adds the JSON names of all fields in t.
func fieldNames(t reflect.Type, names map[string]bool, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		fieldNames(t.Elem(), names, seen)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			names[name] = true
			fieldNames(f.Type, names, seen)
		}
	}
}

// otherCase reports whether a name in text equals a field's but for its case: encoding/json
// takes it for the field, and the codec doesn't.
func otherCase(text []byte, fields map[string]bool) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := d.Token()
		if err != nil {
			return false
		}
		name, ok := tok.(string)
		if !ok {
			continue
		}
		for f := range fields {
			if f != name && strings.EqualFold(f, name) {
				return true
			}
		}
	}
}
