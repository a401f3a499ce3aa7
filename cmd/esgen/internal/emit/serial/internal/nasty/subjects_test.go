package nasty

import (
	"bytes"
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
	"github.com/google/go-cmp/cmp"
)

// subject is one type with its generated functions.
type subject struct {
	name   string
	fresh  func() any // a pointer to a new value, with its defaults
	append func(dst []byte, v any) ([]byte, error)
	decode func(data []byte, v any) error
}

func subjectOf[T any](app func([]byte, *T) ([]byte, error), dec func([]byte, *T) error) subject {
	return subject{
		name: reflect.TypeFor[T]().Name(),
		fresh: func() any {
			v := any(new(T))
			if d, ok := v.(*Defaults); ok {
				*d = Defaults{S: `EUR, or "so"`, I: -5, U: 200, F: 1e3, G: 0.1, B: true, K: "x", Q: 7}
			}
			return v
		},
		append: func(dst []byte, v any) ([]byte, error) { return app(dst, v.(*T)) },
		decode: func(data []byte, v any) error { return dec(data, v.(*T)) },
	}
}

var subjects = []subject{
	subjectOf(appendSmall, decodeSmall),
	subjectOf(appendMedium, decodeMedium),
	subjectOf(appendLarge, decodeLarge),
	subjectOf(appendNumbers, decodeNumbers),
	subjectOf(appendQuoted, decodeQuoted),
	subjectOf(appendStrings, decodeStrings),
	subjectOf(appendLists, decodeLists),
	subjectOf(appendMaps, decodeMaps),
	subjectOf(appendNode, decodeNode),
	subjectOf(appendOptional, decodeOptional),
	subjectOf(appendZeros, decodeZeros),
	subjectOf(appendGeneric, decodeGeneric),
	subjectOf(appendEmbedded, decodeEmbedded),
	subjectOf(appendNames, decodeNames),
	subjectOf(appendDefaults, decodeDefaults),
	subjectOf(appendEmpty, decodeEmpty),
	subjectOf(appendWide, decodeWide),
	subjectOf(appendAll, decodeAll),
	subjectOf(appendCustom, decodeCustom),
	subjectOf(appendTagged, decodeTagged),
	subjectOf(appendLoose, decodeLoose),
	subjectOf(appendText, decodeText),
	subjectOf(appendTwo, decodeTwo),
	subjectOf(appendIDs, decodeIDs),
}

// marshalV1 is encoding/json without HTML escapes.
func marshalV1(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// v2 has the syntax rules of version 2 and the mapping of Go types of version 1.
var v2 = jsonv2.JoinOptions(
	jsonv1.DefaultOptionsV1(),
	jsontext.AllowDuplicateNames(false),
	jsontext.AllowInvalidUTF8(false),
	jsontext.EscapeForHTML(false),
	jsontext.EscapeForJS(true),
	jsonv2.MatchCaseInsensitiveNames(false),
	jsonv1.CallMethodsWithLegacySemantics(false),
	jsonv1.ParseBytesWithLooseRFC4648(false),
	jsonv1.ParseTimeWithLooseRFC3339(false),
	jsonv1.UnmarshalArrayFromAnyLength(false),
	// The standard library's json.Number is an ordinary string to this package.
	jsonv2.WithUnmarshalers(jsonv2.UnmarshalFromFunc(func(d *jsontext.Decoder, n *json.Number) error {
		v, err := d.ReadValue()
		if err != nil {
			return err
		}
		return json.Unmarshal(v, n)
	})),
)

// same compares what was decoded, zones of times by their offset.
func same(t testing.TB, a, b any) string {
	t.Helper()
	return cmp.Diff(a, b,
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmp.Comparer(func(a, b time.Time) bool {
			_, x := a.Zone()
			_, y := b.Zone()
			return a.Equal(b) && x == y
		}),
		cmp.Comparer(func(a, b *big.Int) bool {
			if a == nil || b == nil {
				return a == b
			}
			return a.Cmp(b) == 0
		}),
		cmp.Comparer(func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
		cmp.Comparer(func(a, b *big.Float) bool {
			if a == nil || b == nil {
				return a == b
			}
			return a.Cmp(b) == 0
		}),
		cmp.Transformer("text", func(m map[time.Time]int) map[string]int {
			texts := map[string]int{}
			for k, v := range m {
				texts[k.Format(time.RFC3339Nano)] = v
			}
			return texts
		}),
		cmp.Comparer(func(a, b chan int) bool { return a == b }),
	)
}
