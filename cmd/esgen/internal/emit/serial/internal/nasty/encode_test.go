package nasty

import (
	"errors"
	"reflect"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/esgen-go/esgen/es/codec"
)

// methodsInMaps reports that v holds what encoding/json encodes in maps
// without calling its methods: values with pointer receivers, because they
// have no address there, and keys that are strings. It can't read it back.
func methodsInMaps(v any) bool {
	m, ok := v.(*Maps)
	return ok && (len(m.Codes) > 0 || len(m.Color) > 0)
}

// zeroless reports fields that encoding/json leaves out by omitzero although their
// values are not lost otherwise.
func lossy(v any) bool {
	switch v := v.(type) {
	case *Zeros:
		return v.O == -1 || v.Pa.A == 0 || v.PP != nil && v.PP.A == 0
	}
	return false
}

func checkEncode(t *testing.T, s subject, v any) {
	t.Helper()
	got, err := s.append([]byte("x"), v)
	want, errV1 := marshalV1(v)
	strict, errV2 := jsonv2.Marshal(v, v2)
	if err != nil {
		var e *codec.Error
		if !errors.As(err, &e) || e.Path == "" || e.Offset != -1 {
			t.Fatalf("%s: the error names no field: %#v", s.name, err)
		}
		if errV1 == nil && errV2 == nil {
			t.Fatalf("%s: refused: %v\nv1: %s", s.name, err, want)
		}
		return
	}
	if errV1 != nil && !methodsInMaps(v) {
		t.Fatalf("%s: v1 refuses: %v\n%s", s.name, errV1, got)
	}
	if got[0] != 'x' {
		t.Fatalf("%s: the buffer's content is gone: %s", s.name, got)
	}
	got = got[1:]
	if methodsInMaps(v) {
		want = strict
	}
	if string(got) != string(want) {
		t.Fatalf("%s:\ngot  %s\nwant %s", s.name, got, want)
	}
	back := s.fresh()
	if err := s.decode(got, back); err != nil {
		t.Fatalf("%s: what was encoded is not decoded: %v\n%s", s.name, err, got)
	}
	again, err := s.append(nil, back)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if !lossy(v) && string(again) != string(got) {
		t.Fatalf("%s: not stable:\n1st %s\n2nd %s", s.name, got, again)
	}
}

func TestEncodingEqualsEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			checkEncode(t, s, reflect.New(reflect.TypeOf(s.fresh()).Elem()).Interface())
			for seed := range uint64(300) {
				v := s.fresh()
				newFiller(seed, seed%3 == 0).fill(reflect.ValueOf(v).Elem())
				checkEncode(t, s, v)
			}
		})
	}
}

func FuzzEncode(f *testing.F) {
	for i := range subjects {
		f.Add(uint64(i), uint8(i), false)
	}
	f.Fuzz(func(t *testing.T, seed uint64, which uint8, bad bool) {
		s := subjects[int(which)%len(subjects)]
		v := s.fresh()
		newFiller(seed, bad).fill(reflect.ValueOf(v).Elem())
		checkEncode(t, s, v)
	})
}
