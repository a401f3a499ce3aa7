package upcasttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es/codec"
	"github.com/esgen-go/esgen/es/codec/codectest"
	"github.com/esgen-go/esgen/internal/golden"
	"github.com/esgen-go/esgen/upcast"
)

// UUID is a UUID in the struct of a version that the code has no struct of any more.
type UUID = uuid.UUID

// Null is where such a struct would contain itself: null, which a pointer, list or map can be.
type Null struct{}

// MarshalJSON returns null.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// UnmarshalJSON takes anything.
func (*Null) UnmarshalJSON([]byte) error { return nil }

// Fuzz takes the goldens of a version, and other texts, through its upcasters: without a panic, and to events that
// can be stored and read again.
func Fuzz[E any](f *testing.F, c Chain[E], name string, schema int, file string) {
	f.Helper()
	c.fuzz(f, name, schema, file, func(*testing.T, []byte) {})
}

// FuzzLocked is Fuzz for a version of which the code has no struct any more. T is what it was. All that
// encoding/json writes of a T must be read, unless an upcaster of later versions refuses it with an error.
func FuzzLocked[T, E any](f *testing.F, c Chain[E], name string, schema int, file string) {
	f.Helper()
	c.fuzz(f, name, schema, file, func(t *testing.T, data []byte) {
		total[T](t, c, name, schema, data)
	})
}

// FuzzStruct is Fuzz for a version of which the code has the struct, T. All that its decoder takes, and all that
// encoding/json writes of a T, must be read, unless an upcaster refuses it with an error. With json set, decoder and
// encoding/json must read the same.
func FuzzStruct[T, E any](f *testing.F, c Chain[E], name string, schema int, file string, decode codectest.Decode[T], json bool) {
	f.Helper()
	c.fuzz(f, name, schema, file, func(t *testing.T, data []byte) {
		if err := decode(bytes.Clone(data), new(T)); err == nil {
			c.taken(t, name, schema, data)
		}
		if json {
			codectest.Agree(t, decode, data)
		}
		total[T](t, c, name, schema, data)
	})
}

// total takes what encoding/json writes of the T that it reads data as.
func total[T, E any](t testing.TB, c Chain[E], name string, schema int, data []byte) {
	t.Helper()
	old := new(T)
	if json.Unmarshal(data, old) != nil {
		return
	}
	text, err := json.Marshal(old)
	if err != nil || json.Unmarshal(text, new(T)) != nil {
		return // a type that marshals itself refuses the value
	}
	c.taken(t, name, schema, text)
}

// taken fails if a stored event is refused by anything but an upcaster.
func (c Chain[E]) taken(t testing.TB, name string, schema int, data []byte) {
	t.Helper()
	_, err := c.Decode(name, schema, bytes.Clone(data))
	if _, refused := errors.AsType[*upcast.Error](err); err != nil && !refused && !errors.Is(err, codec.ErrDepth) {
		t.Errorf("version %d of %s can hold what is not read any more: %s\n%v", schema, name, data, err)
	}
}

func (c Chain[E]) fuzz(f *testing.F, name string, schema int, file string, more func(*testing.T, []byte)) {
	f.Helper()
	for _, g := range goldens(f, file) {
		if g.Version == schema {
			f.Add(g.Stored)
		}
	}
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		more(t, data)
		events, err := c.Decode(name, schema, bytes.Clone(data))
		if err != nil {
			return // no such event, or refused by an upcaster
		}
		for _, event := range events {
			is, latest, stored, err := c.Encode(nil, event)
			if err != nil {
				t.Errorf("%s became %#v, which can't be stored: %v", data, event, err)
				continue
			}
			again, err := c.read(is, latest, stored)
			if err != nil || len(again.Read) != 1 {
				t.Errorf("%s became %#v, stored as %s, which can't be read: %v", data, event, stored, err)
			}
		}
	})
}

// goldens returns the goldens in a file.
func goldens(t testing.TB, path string) []*golden.Golden {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading the golden corpus: %v: restore the file, git has it, or run esgen", err)
	}
	file, err := golden.Parse(data)
	if err != nil {
		t.Fatalf("reading the golden corpus: %s: %v", path, err)
	}
	return file.Goldens
}
