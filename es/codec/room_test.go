package codec_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

func TestScratchGivesMemoryOfItsOwn(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			var kept [][]byte
			var want []string
			for i := range 200 {
				text := strings.Repeat(string(rune('a'+worker)), i*i%3000)
				s := codec.NewScratch(nil)
				if len(s.Dst) != 0 {
					t.Errorf("the buffer holds %d bytes, want none", len(s.Dst))
				}
				got, err := s.Done(append(s.Dst, text...), nil)
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

func TestScratchPassesErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for range 3 { // and goes on with another buffer
		s := codec.NewScratch(nil)
		if got, err := s.Done(append(s.Dst, "half"...), broken); err != broken || got != nil {
			t.Errorf("%q, %v", got, err)
		}
		s = codec.NewScratch(nil)
		if got, err := s.Done(append(s.Dst, "all"...), nil); err != nil || !bytes.Equal(got, []byte("all")) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestMemoryOfTheCallersIsUsed(t *testing.T) {
	t.Parallel()
	dst := append(make([]byte, 0, 100), "abc"...)
	s := codec.NewScratch(dst)
	if got, err := s.Done(append(s.Dst, "def"...), nil); err != nil || string(got) != "abcdef" || &got[0] != &dst[0] {
		t.Errorf("%q, %v", got, err)
	}
	if got := codec.Room(dst, 1000); string(got) != "abc" || &got[0] != &dst[0] {
		t.Errorf("%q", got)
	}
	if got := codec.Room(nil, 10); len(got) != 0 || cap(got) < 10 {
		t.Errorf("%d bytes, room for %d", len(got), cap(got))
	}
}
