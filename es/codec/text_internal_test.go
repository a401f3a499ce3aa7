package codec

import (
	"strings"
	"testing"
)

// Whatever is asked for, and however often, strings stay within the memory that was reserved for them.
func TestStringsStayWithinTheirMemory(t *testing.T) {
	t.Parallel()
	for _, filler := range []int{0, 10, 100, 2000} {
		d := NewDecoder([]byte(`{"name":"value","":"","name with ü":"` + strings.Repeat("x", filler) + `","é":"short"}`))
		check := func() {
			if d.chars.used > d.chars.size {
				t.Fatalf("%d of %d bytes are used", d.chars.used, d.chars.size)
			}
		}
		for name, ok := d.Object(); ok; name, ok = d.Next() {
			for range 5 {
				d.Name(name)
				check()
			}
			at := d.pos
			for range 5 {
				d.pos = at
				_ = d.String()
				check()
			}
		}
		if err := d.End(); err != nil {
			t.Fatal(err)
		}
	}
}
