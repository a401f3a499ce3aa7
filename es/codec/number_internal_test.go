package codec

import (
	"encoding/binary"
	"strconv"
	"testing"
)

func TestEightDigitsTakesDigitsAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"00000000", "12345678", "87654321", "99999999", "00000001", "10000000"} {
		for at := range 8 {
			for c := range 256 {
				b := []byte(text)
				b[at] = byte(c)
				got, ok := eightDigits(binary.LittleEndian.Uint64(b))
				want, err := strconv.ParseUint(string(b), 10, 64)
				if ok != (err == nil) || ok && got != want {
					t.Errorf("%q: %d, %v", b, got, ok)
				}
			}
		}
	}
}
