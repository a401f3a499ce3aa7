package codec_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

func TestExactReturnsMemoryOfItsOwn(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			var kept [][]byte
			var want []string
			for i := range 200 {
				text := strings.Repeat(string(rune('a'+worker)), i*i%3000)
				got, err := codec.Exact(func(dst []byte) ([]byte, error) {
					if len(dst) != 0 {
						t.Errorf("the buffer holds %d bytes, want none", len(dst))
					}
					return append(dst, text...), nil
				})
				if err != nil {
					t.Error(err)
				}
				kept, want = append(kept, got), append(want, text)
			}
			for i, got := range kept {
				if string(got) != want[i] {
					t.Errorf("text %d has changed: %.20q, want %.20q", i, got, want[i])
				}
			}
		})
	}
	all.Wait()
}

func TestExactPassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for range 3 { // and goes on with the buffer
		if got, err := codec.Exact(func(dst []byte) ([]byte, error) { return append(dst, "half"...), broken }); err != broken || got != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := codec.Exact(func(dst []byte) ([]byte, error) { return append(dst, "all"...), nil }); err != nil || !bytes.Equal(got, []byte("all")) {
			t.Errorf("%q, %v", got, err)
		}
	}
}
