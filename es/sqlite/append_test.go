package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
)

// An append is compared with the stream's greatest id first. Ids that a caller derives sort anyhow.
func TestStoredEventsAreFoundHoweverTheirIDsSort(t *testing.T) {
	t.Parallel()
	id := func(b byte) uuid.UUID { return uuid.UUID{0: b, 6: 0x80, 8: 0x80} }
	const low, middle, stored, high, highest = 1, 2, 3, 4, 5
	for name, c := range map[string]struct {
		ids     []byte
		refused bool
	}{
		"all below":            {ids: []byte{low, middle}},
		"all above":            {ids: []byte{high, highest}},
		"falling":              {ids: []byte{highest, high, middle, low}},
		"the stored one first": {ids: []byte{stored, high}, refused: true},
		"after one below":      {ids: []byte{low, stored}, refused: true},
		"after one above":      {ids: []byte{high, stored}, refused: true},
		"last of many":         {ids: []byte{highest, low, high, middle, stored}, refused: true},
		"between others":       {ids: []byte{high, stored, low}, refused: true},
		"below, then above it": {ids: []byte{low, high}},
		"above, then below it": {ids: []byte{high, low}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "events.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			stream := es.Stream{Category: "account", ID: "1"}
			write := func(ids ...byte) (es.Receipt, error) {
				w := es.Write{Stream: stream, Expect: es.Any}
				for _, b := range ids {
					w.Events = append(w.Events, es.Event{ID: id(b), Type: "account.deposited", Schema: 1, Data: payload})
				}
				return s.Append(t.Context(), w)
			}
			if _, err := write(stored); err != nil {
				t.Fatal(err)
			}
			receipt, err := write(c.ids...)
			if c.refused {
				if !errors.Is(err, es.ErrIdempotency) {
					t.Fatalf("%v, want an idempotency error", err)
				}
				return
			}
			if err != nil || receipt.Duplicate || receipt.Streams[0].Last != es.Version(1+len(c.ids)) {
				t.Fatalf("%+v, %v", receipt, err)
			}
		})
	}
}
