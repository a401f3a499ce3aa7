package codec_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/esgen-go/esgen/es/codec"
)

func TestLengthsAreThoseOfWhatIsAppended(t *testing.T) {
	t.Parallel()
	for _, b := range []bool{false, true} {
		if got, want := codec.BoolLength(b), len(fmt.Sprint(b)); got != want {
			t.Errorf("%t: %d, want %d", b, got, want)
		}
	}
	numbers := []uint64{0, math.MaxInt64, 1 << 63, math.MaxUint64}
	for n := uint64(1); ; n *= 10 {
		if numbers = append(numbers, n-1, n, n+1, 5*(n/10)); n > math.MaxUint64/10 {
			break
		}
	}
	for n := uint64(1); n > 0; n *= 2 {
		numbers = append(numbers, n-1, n, n+1)
	}
	for _, n := range numbers {
		if got, want := codec.UintLength(n), len(codec.AppendUint(nil, n)); got != want || want != len(fmt.Sprint(n)) {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
		for _, i := range []int64{int64(n), -int64(n)} {
			if got, want := codec.IntLength(i), len(codec.AppendInt(nil, i)); got != want || want != len(fmt.Sprint(i)) {
				t.Errorf("%d: %d, want %d", i, got, want)
			}
		}
	}
}

// areApart has several goroutines encode texts, keeps what they get, and fails if any of it changes.
func areApart(t *testing.T, count int, encode func(worker, i int) (got []byte, want string)) {
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			kept, want := make([][]byte, count), make([]string, count)
			for i := range count {
				kept[i], want[i] = encode(worker, i)
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

func TestTextsOfOneBlockAreApart(t *testing.T) {
	t.Parallel()
	areApart(t, 2000, func(worker, i int) ([]byte, string) {
		room := i * 7 % 140 // some have too little, and some none is cut for
		text := strings.Repeat(string(rune('a'+(worker+i)%26)), i%150)
		dst := codec.Room(nil, room)
		if dst == nil || len(dst) != 0 || cap(dst) < room {
			t.Errorf("room for %d: %d of %d bytes", room, len(dst), cap(dst))
		}
		return append(dst, text...), text
	})
}

func TestScratchGivesMemoryOfItsOwn(t *testing.T) {
	t.Parallel()
	areApart(t, 200, func(worker, i int) ([]byte, string) {
		text := strings.Repeat(string(rune('a'+worker)), i*i%3000)
		s := codec.NewScratch(nil)
		if len(s.Dst) != 0 {
			t.Errorf("the buffer holds %d bytes, want none", len(s.Dst))
		}
		got, err := s.Done(append(s.Dst, text...), nil)
		if err != nil {
			t.Error(err)
		}
		return got, text
	})
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
