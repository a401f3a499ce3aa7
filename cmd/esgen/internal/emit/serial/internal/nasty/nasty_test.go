package nasty

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
)

func v1(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func TestMediumRoundTrip(t *testing.T) {
	s := "x"
	m := Medium{ID: uuid.New(), Customer: "Jö\u2028", PlacedAt: time.Now().UTC().Round(0), Rate: 1.25, Coupon: &s, Tags: []string{"a", "b"}, Labels: map[string]string{"b": "1", "a": "2"}}
	got, err := appendMedium(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := v1(&m)
	if string(got) != string(want) {
		t.Fatalf("%s\n%s", got, want)
	}
	var back Medium
	if err := decodeMedium(got, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, m) {
		t.Fatalf("%+v\n%+v", back, m)
	}
}
