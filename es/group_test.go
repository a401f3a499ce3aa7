package es_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
)

// The vectors were made by another implementation, from the description alone. They must never change:
// members of a group that run different builds must agree on what is whose.
func TestPartitionsAreTheSameForEver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stream es.Stream
		want   [5]int // of 1, 2, 7, 16 and 1024
	}{
		{es.Stream{Category: "account", ID: "1"}, [5]int{0, 0, 1, 4, 404}},
		{es.Stream{Category: "account", ID: "2"}, [5]int{0, 1, 3, 1, 609}},
		{es.Stream{Category: "a", ID: "b"}, [5]int{0, 0, 5, 10, 922}},
		{es.Stream{Category: "transfer", ID: "0192-a:b"}, [5]int{0, 1, 3, 11, 987}},
		{es.Stream{Category: "operation", ID: "018f3f1c-9a4e-7cc0-8000-000000000001"}, [5]int{0, 0, 2, 14, 830}},
		{es.Stream{Category: strings.Repeat("c", 64), ID: strings.Repeat("i", 200)}, [5]int{0, 1, 2, 9, 617}},
		{es.Stream{Category: "x", ID: "-"}, [5]int{0, 0, 0, 0, 624}},
	} {
		for i, n := range []int{1, 2, 7, 16, 1024} {
			if got := c.stream.Partition(n); got != c.want[i] {
				t.Errorf("%s is in partition %d of %d, want %d", c.stream, got, n, c.want[i])
			}
		}
	}
}

func TestStreamsSpreadOverThePartitions(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 8, 12, 64} {
		counts := make([]int, n)
		for i := range 1000 * n {
			counts[es.Stream{Category: "account", ID: fmt.Sprint(i)}.Partition(n)]++
		}
		for p, count := range counts {
			if count < 800 || count > 1200 {
				t.Errorf("partition %d of %d has %d streams of %d", p, n, count, 1000*n)
			}
		}
	}
}

func TestErrorsOfReadersSayWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		is    error
		holds []string
	}{
		{&es.FencedError{Name: "mailer", Partition: -1}, es.ErrFenced, []string{"mailer", "somebody else", "group"}},
		{&es.FencedError{Name: "mailer", Partition: 3}, es.ErrFenced, []string{"mailer", "partition 3", "another owner"}},
		{&es.PartitionsError{Group: "mailer", Want: 8, Has: 4}, es.ErrPartitions, []string{"mailer", "8", "4", "use that number"}},
	} {
		if !errors.Is(fmt.Errorf("running: %w", c.err), c.is) {
			t.Errorf("%v is not %q", c.err, c.is)
		}
		for _, part := range c.holds {
			if !strings.Contains(c.err.Error(), part) {
				t.Errorf("%q does not hold %q", c.err, part)
			}
		}
	}
}
