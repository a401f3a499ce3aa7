package postgres

import (
	"testing"

	"github.com/esgen-go/esgen/es"
)

// The lane lives as long as its store, and 256 MiB may go through it once.
func TestTheMemoryOfALargeAppendIsGivenBack(t *testing.T) {
	t.Parallel()
	held := func(enc *encoder) (bytes int) {
		for _, p := range enc.params {
			bytes += cap(p)
		}
		for _, v := range enc.values[:cap(enc.values)] {
			bytes += cap(v)
		}
		return bytes
	}
	for _, events := range []int{1, 3} {
		w := placedWrite{Write: &es.Write{Stream: es.Stream{Category: "account", ID: "1"}, Expect: es.Any}, metadata: make([][]byte, events)}
		for range events {
			w.Events = append(w.Events, es.Event{ID: es.NewID(), Type: "account.imported", Schema: 1, Data: make([]byte, 8<<20)})
		}
		for name, encode := range map[string]func(enc *encoder){
			"single": func(enc *encoder) { enc.single(&w) }, "stream": func(enc *encoder) { enc.stream(&w) },
			"singles": func(enc *encoder) { enc.singles([]placedWrite{w, w, w}) }, "many": func(enc *encoder) { enc.many([]placedWrite{w, w}) },
		} {
			var enc encoder
			encode(&enc)
			before := held(&enc)
			enc.trim()
			if after := held(&enc); before < 8<<20 || after > 4*maxFlushBytes {
				t.Errorf("%s of %d events: %d bytes are held after an append that took %d", name, events, after, before)
			}
		}
	}
}
