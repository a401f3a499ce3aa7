package nasty

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/esgen-go/esgen/es/codec"
)

// departures are the reasons for which a text is refused that the oracles
// accept. Each looks at the error, and proves from the text that it is right.
var departures = []struct {
	name string
	is   func(s subject, text []byte, e *codec.Error) bool
}{
	{"a required field is missing", func(_ subject, text []byte, e *codec.Error) bool {
		_, found := find(text, e.Path)
		return errors.Is(e, codec.ErrMissing) && !found
	}},
	{"null for what is required", func(_ subject, text []byte, e *codec.Error) bool {
		v, found := find(text, e.Path)
		return errors.Is(e, codec.ErrNull) && found && string(v) == "null"
	}},
	{"space, escapes, null or sloppy numbers in quoted values", func(s subject, text []byte, e *codec.Error) bool {
		v, found := find(text, e.Path)
		quoted := s.name == "Quoted" || s.name == "Defaults" && e.Path == "q"
		return quoted && found && strings.HasPrefix(string(v), `"`) &&
			(strings.ContainsAny(string(v), " \\\n\t\rn") || !json.Valid(v[1:len(v)-1]))
	}},
	{"a json.Number in quotes", func(s subject, text []byte, e *codec.Error) bool {
		v, found := find(text, e.Path)
		last := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
		return errors.Is(e, codec.ErrType) && found && strings.HasPrefix(string(v), `"`) && (last == "N" || last == "n")
	}},
	{"a json.Number without the quotes of its tag, which encoding/json refuses", func(s subject, text []byte, e *codec.Error) bool {
		return s.name == "Quoted" && e.Path == "n" && json.Unmarshal(text, s.fresh()) != nil
	}},
	{"bytes as an array of numbers", func(_ subject, text []byte, e *codec.Error) bool {
		v, found := find(text, e.Path)
		return errors.Is(e, codec.ErrType) && strings.Contains(e.Err.Error(), "base64") && found && v[0] == '['
	}},
	{"integers as names that are not in their usual form", func(s subject, text []byte, e *codec.Error) bool {
		name := e.Path[strings.LastIndexAny(e.Path, ".[")+1:]
		return errors.Is(e, codec.ErrFormat) && strings.Contains(e.Err.Error(), "integer of") && name != ""
	}},
	{"a time as a name that is not RFC 3339", func(s subject, text []byte, e *codec.Error) bool {
		return errors.Is(e, codec.ErrFormat) && s.name == "Maps" && strings.HasPrefix(e.Path, "T")
	}},
	{"duplicate names for one key", func(s subject, text []byte, e *codec.Error) bool {
		return errors.Is(e, codec.ErrDuplicateName) && s.name == "Maps"
	}},
}

// find returns the value at a path as errors name it.
func find(text []byte, path string) (json.RawMessage, bool) {
	v := json.RawMessage(text)
	for path != "" {
		var step string
		switch {
		case strings.HasPrefix(path, "["):
			end := strings.IndexByte(path, ']')
			if strings.HasPrefix(path, `["`) {
				end = strings.Index(path, `"]`) + 1
			}
			step, path = path[:end+1], path[end+1:]
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			step, path = path[:end], path[end:]
		}
		path = strings.TrimPrefix(path, ".")
		if strings.HasPrefix(step, "[") && !strings.HasPrefix(step, `["`) {
			var list []json.RawMessage
			var i int
			if json.Unmarshal(v, &list) != nil || json.Unmarshal([]byte(step[1:len(step)-1]), &i) != nil || i >= len(list) {
				return nil, false
			}
			v = list[i]
			continue
		}
		name := step
		if strings.HasPrefix(step, "[") {
			if json.Unmarshal([]byte(step[1:len(step)-1]), &name) != nil {
				return nil, false
			}
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(v, &members) != nil {
			return nil, false
		}
		next, ok := members[name]
		if !ok {
			return nil, false
		}
		v = next
	}
	return v, true
}

// names returns all JSON names of fields in a type.
func names(t reflect.Type, into map[string]bool, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		names(t.Elem(), into, seen)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			into[f.Name] = true
			if name != "" {
				into[name] = true
			}
			names(f.Type, into, seen)
		}
	}
}

// hasOtherCase reports whether some name in the text differs from a field's by case alone, by
// which encoding/json matches names.
func hasOtherCase(s subject, text []byte) bool {
	fields := map[string]bool{}
	names(reflect.TypeOf(s.fresh()), fields, map[reflect.Type]bool{})
	d := jsontext.NewDecoder(strings.NewReader(string(text)))
	for {
		tok, err := d.ReadToken()
		if err != nil {
			return false
		}
		if tok.Kind() != '"' {
			continue
		}
		name := tok.String()
		if !fields[name] {
			for f := range fields {
				if strings.EqualFold(f, name) {
					return true
				}
			}
		} else if len(fields) > 0 {
			for f := range fields {
				if f != name && strings.EqualFold(f, name) {
					return true // both A and a are fields of some struct here
				}
			}
		}
	}
}

func checkDecode(t *testing.T, s subject, text []byte) {
	t.Helper()
	given := slices.Clone(text)
	got := s.fresh()
	err := s.decode(given, got)
	for i := range given {
		given[i] = 'x' // whoever kept a part of it has changed now
	}
	wantV2 := s.fresh()
	errV2 := jsonv2.Unmarshal(text, wantV2, v2)
	if err != nil {
		var e *codec.Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) {
			t.Fatalf("%s: error without place: %#v", s.name, err)
		}
		if errV2 != nil {
			return
		}
		for _, d := range departures {
			if d.is(s, text, e) {
				return
			}
		}
		t.Fatalf("%s: refused by no listed departure: %v\n%s", s.name, err, text)
	}
	if !utf8.Valid(text) {
		t.Fatalf("%s: invalid UTF-8 accepted: %q", s.name, text)
	}
	if errV2 != nil {
		t.Fatalf("%s: accepted, but v2 says: %v\n%s", s.name, errV2, text)
	}
	if diff := same(t, wantV2, got); diff != "" {
		t.Fatalf("%s: not v2's value (-v2 +ours):\n%s\n%s", s.name, diff, text)
	}
	if !hasOtherCase(s, text) {
		wantV1 := s.fresh()
		if err := json.Unmarshal(text, wantV1); err != nil {
			t.Fatalf("%s: accepted, but v1 says: %v\n%s", s.name, err, text)
		}
		if diff := same(t, wantV1, got); diff != "" {
			t.Fatalf("%s: not v1's value (-v1 +ours):\n%s\n%s", s.name, diff, text)
		}
	}
	// What was decoded can be encoded, to a text that is stable.
	once, err := s.append(nil, got)
	if err != nil {
		t.Fatalf("%s: what was decoded can't be encoded: %v\n%s", s.name, err, text)
	}
	back := s.fresh()
	if err := s.decode(once, back); err != nil {
		t.Fatalf("%s: %v\n%s", s.name, err, once)
	}
	if twice, err := s.append(nil, back); err != nil || string(twice) != string(once) && !lossy(got) {
		t.Fatalf("%s: not stable: %v\n%s\n%s", s.name, err, once, twice)
	}
}

// mutate changes a text the way that faults do.
func mutate(f *filler, text []byte) []byte {
	text = slices.Clone(text)
	pieces := []string{
		"null", "0", "-0", "1.0", "1e2", `""`, `"x"`, "[]", "{}", "[null]", "true", ",", ":", `"`, " ", "\n", "}", "]", "{", "[", `\u0041`, `\ud800`, "\xff",
		`"a":1,"a":2`, "9223372036854775808", "18446744073709551616", "1e400", "T0:00:00Z", ",5Z", "+00:00", "-", "e", ".", "\x00", `"owner":"x",`, "256", "-1",
	}
	for range 1 + f.IntN(3) {
		if len(text) == 0 {
			return []byte(pieces[f.IntN(len(pieces))])
		}
		at := f.IntN(len(text))
		switch f.IntN(5) {
		case 0: // drop
			text = slices.Delete(text, at, min(len(text), at+1+f.IntN(8)))
		case 1: // insert
			text = slices.Insert(text, at, []byte(pieces[f.IntN(len(pieces))])...)
		case 2: // replace a byte
			text[at] = byte(f.Uint32())
		case 3: // replace a value, roughly
			if end := slices.Index(text[at:], ','); end >= 0 {
				if colon := slices.Index(text[at:at+end], ':'); colon >= 0 {
					text = slices.Replace(text, at+colon+1, at+end, []byte(pieces[f.IntN(len(pieces))])...)
				}
			}
		case 4: // double a part
			text = slices.Insert(text, at, text[at:min(len(text), at+f.IntN(40))]...)
		}
	}
	return text
}

func TestDecodingAgreesWithBothVersions(t *testing.T) {
	t.Parallel()
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1000) {
				f := newFiller(seed, false)
				v := s.fresh()
				f.fill(reflect.ValueOf(v).Elem())
				text, err := s.append(nil, v)
				if err != nil {
					t.Fatal(err)
				}
				if seed%8 > 0 {
					text = mutate(f, text)
				}
				checkDecode(t, s, text)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for i, s := range subjects {
		for seed := range uint64(4) {
			v := s.fresh()
			newFiller(seed, false).fill(reflect.ValueOf(v).Elem())
			text, err := s.append(nil, v)
			if err != nil {
				f.Fatal(err)
			}
			if len(text) < 4096 {
				f.Add(text, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		checkDecode(t, subjects[int(which)%len(subjects)], text)
	})
}
