package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/es"
)

var listClauses = []Clause{
	{
		Name:    "List/Order",
		Promise: "Listing a category yields each of its streams once, with its version, in the byte order of the ids; other categories' streams are left out, and a category without streams yields nothing.",
		check:   listOrder,
	},
	{
		Name:    "List/Paging",
		Promise: "Listing goes on after any id, one of a stream or not, and yields at most so many: pages of any size make up the whole.",
		check:   listPaging,
	},
}

func listOrder(e *env) {
	l := capability[es.Lister](e, e.store)
	ids := []string{"b", "a", "B", "A", "_", "-", "a-", "a-b", "ab", "1", "10", "2", "=", "@", "+", ":", strings.Repeat("z", es.MaxStreamIDLen), "Z", "a_b", "aB"}
	var want []es.StreamInfo
	for i, id := range ids {
		s := stream(id)
		e.fill(s, 1+i%3)
		e.fill(es.Stream{Category: "storetest2", ID: id}, 1)
		want = append(want, es.StreamInfo{Stream: s, Version: es.Version(1 + i%3)})
	}
	slices.SortFunc(want, func(a, b es.StreamInfo) int { return strings.Compare(a.Stream.ID, b.Stream.ID) })
	got, err := collect(l.Streams(e.ctx, es.ListQuery{Category: "storetest"}))
	if err != nil {
		e.Fatalf("Streams: %v", err)
	}
	if d := diff(want, got); d != "" {
		e.Fatalf("Streams (-want +got):\n%s", d)
	}
	for _, category := range []string{"storetes", "none", "storetest3"} {
		if got, err := collect(l.Streams(e.ctx, es.ListQuery{Category: category})); err != nil || len(got) > 0 {
			e.Fatalf("Streams of category %s, which has none: %d, %v", category, len(got), err)
		}
	}
}

func listPaging(e *env) {
	l := capability[es.Lister](e, e.store)
	n := some(1500)
	var writes []es.Write
	for i := range n {
		writes = append(writes, write(stream(fmt.Sprintf("%05d", 2*i)), es.NoStream, e.event()))
	}
	for batch := range slices.Chunk(writes, min(500, e.store.Limits().Streams, e.store.Limits().Events)) {
		e.append(e.store, batch...)
	}
	list := func(q es.ListQuery) (ids []string) {
		e.Helper()
		q.Category = "storetest"
		infos, err := collect(l.Streams(e.ctx, q))
		if err != nil {
			e.Fatalf("Streams(%+v): %v", q, err)
		}
		for _, info := range infos {
			ids = append(ids, info.Stream.ID)
		}
		return ids
	}
	all := list(es.ListQuery{})
	if len(all) != n || !slices.IsSorted(all) {
		e.Fatalf("Streams: %d in order: %t, want %d", len(all), slices.IsSorted(all), n)
	}
	for _, size := range []int{1, 7, 100, n, n + 1} {
		var paged []string
		stop := n
		if size == 1 {
			stop = 20
		}
		for after := ""; len(paged) < stop; {
			page := list(es.ListQuery{After: after, Limit: size})
			if len(page) == 0 || len(page) > size {
				e.Fatalf("Streams after %q, limit %d: %d streams", after, size, len(page))
			}
			paged = append(paged, page...)
			after = page[len(page)-1]
		}
		if !slices.Equal(paged, all[:stop]) {
			e.Fatalf("pages of %d streams are not the whole", size)
		}
	}
	for _, c := range []struct {
		after string
		want  []string
	}{
		{all[n-1], nil},
		{"99999", nil},
		{"0", all},
		{fmt.Sprintf("%05d", 2*n-3), all[n-1:]}, // between two
	} {
		if got := list(es.ListQuery{After: c.after}); !slices.Equal(got, c.want) {
			e.Fatalf("Streams after %q: %d streams, want %d", c.after, len(got), len(c.want))
		}
	}
}
