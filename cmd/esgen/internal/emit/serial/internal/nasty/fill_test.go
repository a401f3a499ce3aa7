package nasty

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/cmd/esgen/internal/emit/serial/internal/other"
)

// filler makes values, of which many are extreme. Bad ones, which can't be stored, only if it may.
type filler struct {
	*rand.Rand
	bad   bool
	depth int
}

func newFiller(seed uint64, bad bool) *filler {
	return &filler{Rand: rand.New(rand.NewPCG(seed, 7)), bad: bad}
}

var texts = []string{
	"", "a", "hello, world", `"quotes" and \backslashes\`, "\b\f\n\r\t\x00\x1f\x7f", "ünïcödé", "日本語", "😀 🏳️‍🌈",
	"\u2028\u2029", "<script>&amp;</script>", "\ufffd", "a long text of plain letters that needs more than one word of scanning.",
	"12345678\"", "1234567\n", "null", "\U0010ffff",
}

var badTexts = []string{"\xff", "a\xc3", "\xed\xa0\x80", "12345678\xfe"}

func (f *filler) text() string {
	if f.bad && f.IntN(40) == 0 {
		return badTexts[f.IntN(len(badTexts))]
	}
	return texts[f.IntN(len(texts))]
}

func (f *filler) float() float64 {
	switch f.IntN(8) {
	case 0:
		return 0
	case 1:
		return math.Float64frombits(f.Uint64() &^ (1 << 62))
	case 2:
		return float64(f.IntN(1e6)) / 100
	case 3:
		return []float64{math.MaxFloat64, math.SmallestNonzeroFloat64, math.Copysign(0, -1), 1e21, 1e20, 1e-6, 1e-7, 123456789.125, 1e15, -0.001}[f.IntN(10)]
	case 4:
		if f.bad {
			return []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[f.IntN(3)]
		}
	case 5:
		return float64(f.Int64N(1e17)) / math.Pow10(f.IntN(18))
	case 6:
		return float64(f.Int64())
	}
	return f.NormFloat64()
}

func (f *filler) time() time.Time {
	t := time.Unix(f.Int64N(4e9)-1e9, f.Int64N(1e9)).UTC()
	switch f.IntN(6) {
	case 0:
		t = t.Truncate(time.Second)
	case 1:
		t = t.In(time.FixedZone("", (f.IntN(28*60)-14*60)*60))
	case 2:
		t = time.Time{}
	case 3:
		t = time.Date(f.IntN(10000), 1, 1, 0, 0, 0, f.IntN(10)*1e8, time.UTC)
	case 4:
		if f.bad {
			t = time.Date(10000+f.IntN(100), 1, 1, 0, 0, 0, 0, time.UTC)
		}
	}
	return t
}

// special makes values of types that reflection can't fill.
func (f *filler) special(t reflect.Type) (any, bool) {
	switch t {
	case reflect.TypeFor[time.Time]():
		return f.time(), true
	case reflect.TypeFor[uuid.UUID]():
		var id uuid.UUID
		for i := range id {
			id[i] = byte(f.Uint32())
		}
		return id, true
	case reflect.TypeFor[big.Int]():
		n, _ := new(big.Int).SetString("-"+strconv.FormatUint(f.Uint64(), 10)+"000", 10)
		return *n, true
	case reflect.TypeFor[big.Float]():
		return *big.NewFloat(math.Round(f.NormFloat64()*1000) / 8), true
	case reflect.TypeFor[json.Number]():
		return json.Number([]string{"0", "-1.5e10", "123456789012345678901234567890"}[f.IntN(3)]), true
	case reflect.TypeFor[json.RawMessage]():
		return json.RawMessage([]string{"null", `{"a":[1,"x\u00e9",null]}`, " [ 1 , 2 ] ", `""`, "-1e5"}[f.IntN(5)]), true
	case reflect.TypeFor[other.Color]():
		return other.Color([]string{"red", "green", ""}[f.IntN(3)]), true
	case reflect.TypeFor[other.Code]():
		return other.NewCode(f.text()), true
	case reflect.TypeFor[other.Level]():
		return other.Level(f.IntN(7)), true
	}
	return nil, false
}

func (f *filler) fill(v reflect.Value) {
	if !v.CanSet() {
		return
	}
	if x, ok := f.special(v.Type()); ok {
		v.Set(reflect.ValueOf(x))
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	few := 4
	if f.depth > 8 {
		few = 1
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(f.Int64() >> f.IntN(64) * int64(1-2*f.IntN(2)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(f.Uint64() >> f.IntN(64))
	case reflect.Float32:
		x := f.float()
		if math.Abs(x) > math.MaxFloat32 && !math.IsInf(x, 0) {
			x = 1.5
		}
		v.SetFloat(x)
	case reflect.Float64:
		v.SetFloat(f.float())
	case reflect.String:
		v.SetString(f.text())
	case reflect.Pointer:
		if few > 1 && f.IntN(2) == 0 {
			p := reflect.New(v.Type().Elem())
			f.fill(p.Elem())
			v.Set(p)
		}
	case reflect.Slice:
		if f.IntN(3) > 0 {
			s := reflect.MakeSlice(v.Type(), f.IntN(few), few)
			for i := range s.Len() {
				f.fill(s.Index(i))
			}
			v.Set(s)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		if f.IntN(3) > 0 {
			m := reflect.MakeMap(v.Type())
			for range f.IntN(few) {
				k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(k)
				f.fill(e)
				m.SetMapIndex(k, e)
			}
			v.Set(m)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	}
}
