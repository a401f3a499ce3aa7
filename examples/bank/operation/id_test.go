package operation_test

import (
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

func TestAnIdIsWhatEveryStoreTakes(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", es.MaxStreamIDLen)
	for id, want := range map[string]string{
		"alice": "", "Row-1_a:b@c=d+e": "", longest: "",
		"":            "must not be empty",
		"no body":     "taken are ASCII letters, digits",
		"käthe":       "taken are ASCII letters, digits",
		longest + "x": "at most 200",
	} {
		if err := operation.CheckID(id); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckID(%.20q) = %v, want %q", id, err, want)
		}
	}
}
