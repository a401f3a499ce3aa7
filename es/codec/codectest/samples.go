package codectest

import (
	"encoding"
	"encoding/json"
	"iter"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"
	"unsafe"

	"github.com/google/uuid"
)

type sample[T any] struct {
	name  string
	value *T
}

// samples returns the same values every time.
func samples[T any]() []sample[T] {
	var all []sample[T]
	for name, v := range Values(reflect.TypeFor[T]()) {
		all = append(all, sample[T]{name, v.Interface().(*T)})
	}
	return all
}

// Values returns pointers to values of a type, by name: the zero value, one with everything set, extremes. They are the same every
// time. What marshals itself stays zero: its methods know what is allowed.
func Values(t reflect.Type) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		if !yield("zero", reflect.New(t)) {
			return
		}
		for _, kind := range []filling{full, high, low} {
			v := reflect.New(t)
			f := filler{kind: kind}
			f.fill(v.Elem())
			if !yield(string(kind), v) {
				return
			}
		}
	}
}

// filling is a kind of sample.
type filling string

const (
	full filling = "full" // usual values, everything set
	high filling = "high" // greatest values, long and odd texts
	low  filling = "low"  // least values, empty lists that are not nil
)

// Zones compare by address, in keys of maps: one of each.
var (
	farWest = time.FixedZone("", -(23*60+59)*60)
	east    = time.FixedZone("", 2*60*60)
)

type filler struct {
	kind  filling
	count int
	depth int
}

func (f *filler) text() string {
	f.count++
	switch f.kind {
	case high:
		return "\x00\x1f\"\\/\b\f\n\r\t\x7f<>&ü\u2028\u2029\ufffd😀\U0010ffff and some plain text behind it " + strconv.Itoa(f.count)
	case low:
		return ""
	}
	return "text " + strconv.Itoa(f.count)
}

// special returns values of types that can't be filled field by field.
func (f *filler) special(t reflect.Type) (any, bool) {
	n := int64(f.count)
	switch t {
	case reflect.TypeFor[time.Time]():
		switch f.kind {
		case high:
			return time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, farWest), true
		case low:
			return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), true
		}
		return time.Date(2024, 2, 29, 12, 30, int(n%60), 123_456_000, east), true
	case reflect.TypeFor[uuid.UUID]():
		if f.kind == low {
			return uuid.Nil, true
		}
		return uuid.NewSHA1(uuid.NameSpaceURL, strconv.AppendInt(nil, n, 10)), true
	case reflect.TypeFor[json.RawMessage]():
		return json.RawMessage(map[filling]string{full: `{"free":["form",1,true,null]}`, high: `[1e308,"\ud83d\ude00"]`, low: `null`}[f.kind]), true
	case reflect.TypeFor[json.Number]():
		return json.Number(map[filling]string{full: "12.50", high: "123456789012345678901234567890e+99", low: "-0"}[f.kind]), true
	case reflect.TypeFor[big.Int]():
		return *new(big.Int).Lsh(big.NewInt(n+1), 100), true
	case reflect.TypeFor[big.Float]():
		return *big.NewFloat(float64(n) + 0.5), true
	}
	p := reflect.New(t).Interface()
	switch p.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return nil, t.Kind() != reflect.Pointer // stays zero: its methods know what is allowed
	}
	return nil, false
}

func (f *filler) fill(v reflect.Value) {
	if !v.CanSet() {
		if !v.CanAddr() {
			return
		}
		v = reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem() // unexported fields of states
	}
	f.count++
	if x, ok := f.special(v.Type()); ok {
		if x != nil {
			v.Set(reflect.ValueOf(x))
		}
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	deep := f.depth > 8 // recursive types
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.kind != low)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := v.Type().Bits()
		v.SetInt(map[filling]int64{full: int64(f.count % 100), high: math.MaxInt64 >> (64 - bits), low: math.MinInt64 >> (64 - bits)}[f.kind])
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(map[filling]uint64{full: uint64(f.count % 100), high: math.MaxUint64 >> (64 - v.Type().Bits()), low: 0}[f.kind])
	case reflect.Float32:
		v.SetFloat(map[filling]float64{full: float64(f.count) / 4, high: math.MaxFloat32, low: -math.SmallestNonzeroFloat32}[f.kind])
	case reflect.Float64:
		v.SetFloat(map[filling]float64{full: float64(f.count) / 100, high: math.MaxFloat64, low: -math.SmallestNonzeroFloat64}[f.kind])
	case reflect.String:
		v.SetString(f.text())
	case reflect.Pointer:
		if !deep && f.kind != low {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		n := 2
		if deep || f.kind == low {
			n = 0
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		if deep || f.kind == low {
			return
		}
		for range 2 {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(elem)
			v.SetMapIndex(key, elem)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if sf := v.Type().Field(i); !optedOut(sf) {
				f.fill(v.Field(i))
			}
		}
	}
}

// optedOut reports whether a field isn't stored.
func optedOut(f reflect.StructField) bool {
	t := f.Type
	return f.Tag.Get("json") == "-" && f.PkgPath == "" || f.Tag.Get("esgen") == "-" || f.Name == "_" ||
		f.Anonymous && t.Name() == "Root" && t.PkgPath() == "github.com/esgen-go/esgen/aggregate"
}
