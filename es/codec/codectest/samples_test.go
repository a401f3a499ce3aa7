package codectest

import (
	"reflect"
	"testing"
	"time"
)

//lint:ignore U1000 the unexported field is set by reflection
type everything struct {
	Bool    bool
	Int     int8
	Uint    uint16
	Float   float32
	Text    string
	Time    time.Time
	Pointer *int
	List    []string
	Map     map[string]int
	private int
	Left    func() `esgen:"-"`
}

func TestTheFullSampleSetsEveryField(t *testing.T) {
	t.Parallel()
	for _, s := range samples[everything]() {
		v := reflect.ValueOf(s.value).Elem()
		for i := range v.NumField() {
			name, zero := v.Type().Field(i).Name, v.Field(i).IsZero()
			if want := s.name == "zero" || name == "Left"; zero != want && s.name != "low" {
				t.Errorf("%s: %s is zero: %v", s.name, name, zero)
			}
		}
	}
}

func TestSamplesAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	a, b := samples[everything](), samples[everything]()
	for i := range a {
		if !reflect.DeepEqual(a[i], b[i]) {
			t.Errorf("%+v\n%+v", a[i].value, b[i].value)
		}
	}
}
