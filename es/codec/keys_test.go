//go:build !race

package codec_test

import (
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

// Under the race detector pools drop some of what they are given.
func TestMapsAreSortedWithoutAllocation(t *testing.T) {
	m := map[string]int{"b": 1, "a": 2, "ü": 3, "": 4}
	codec.StringKeys(m).Release()
	if n := testing.AllocsPerRun(100, func() {
		keys := codec.StringKeys(m)
		if keys.Sorted[1] != "a" {
			t.Error(keys.Sorted)
		}
		keys.Release()
	}); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}
