package emit

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// sample returns a JSON text of a shape in which every field is set. It is false if there
// is a type in it that alone knows its texts.
func sample(t *shape.Type) (string, bool) { return sampleOf(t, map[*shape.Type]bool{}) }

// sampleOf keeps in within the types that the sample is within, since types may be recursive.
func sampleOf(t *shape.Type, within map[*shape.Type]bool) (string, bool) {
	switch t.Kind {
	case shape.Bool:
		return "true", true
	case shape.Int, shape.Uint:
		return "1", true
	case shape.Float, shape.Number:
		return "1.5", true
	case shape.String:
		return `"text"`, true
	case shape.Bytes:
		return `"Ynl0ZXM="`, true
	case shape.Time:
		return `"2006-01-02T15:04:05Z"`, true
	case shape.UUID:
		return `"f47ac10b-58cc-4372-8567-0e02b2c3d479"`, true
	case shape.Raw:
		return `{"raw":true}`, true
	case shape.Slice, shape.Map, shape.Pointer:
		if within[t.Elem] {
			return "null", true
		}
		return sampleAround(t, within)
	case shape.Array:
		elem, ok := sampleOf(t.Elem, within)
		const long = 1000 // no need to write out
		return "[" + strings.TrimSuffix(strings.Repeat(elem+",", int(min(t.Len, long))), ",") + "]", ok && t.Len <= long
	case shape.Struct:
		return sampleStruct(t, within)
	}
	return "", false
}

// sampleAround returns a sample of a type that holds others.
func sampleAround(t *shape.Type, within map[*shape.Type]bool) (string, bool) {
	within[t] = true
	defer delete(within, t)
	elem, ok := sampleOf(t.Elem, within)
	switch t.Kind {
	case shape.Slice:
		return "[" + elem + "]", ok
	case shape.Map:
		key, known := sampleOf(t.Key, within)
		if !strings.HasPrefix(key, `"`) {
			key = strconv.Quote(key)
		}
		return "{" + key + ":" + elem + "}", ok && known
	}
	return elem, ok
}

func sampleStruct(t *shape.Type, within map[*shape.Type]bool) (string, bool) {
	within[t] = true
	defer delete(within, t)
	var b strings.Builder
	for i, f := range t.Fields {
		name, err := json.Marshal(f.Name)
		if err != nil {
			return "", false
		}
		value, ok := sampleOf(f.Type, within)
		if !ok {
			return "", false
		}
		if f.Quoted && value != "null" {
			value = strconv.Quote(value)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(name) + ":" + value)
	}
	return "{" + b.String() + "}", true
}
