package es

import (
	"bytes"
	"fmt"

	"github.com/google/uuid"
)

// Repeated decides, for stores, whether an append repeats an earlier one, so that
// all engines answer alike. Within the store's transaction it asks stored for each
// event by stream and id. The answers are: not repeated (false, nil), so that the
// store goes on with the expectations; repeated (true, nil), with the receipt to
// return; or an *[IdempotencyError], or what stored returned.
func Repeated(writes []Write, stored func(Stream, uuid.UUID) (rec Recorded, found bool, err error)) (Receipt, bool, error) {
	receipt := Receipt{Duplicate: true, Streams: make([]Written, 0, len(writes))}
	var present, missing struct { // the first event of either kind
		stream Stream
		id     uuid.UUID
		Version
	}
	for _, w := range writes {
		written := Written{Stream: w.Stream}
		for i := range w.Events {
			e := &w.Events[i]
			rec, found, err := stored(w.Stream, e.ID)
			if err != nil {
				return Receipt{}, false, err
			}
			if !found {
				if missing.id == uuid.Nil {
					missing.stream, missing.id = w.Stream, e.ID
				}
				continue
			}
			if present.id == uuid.Nil {
				present.stream, present.id, present.Version = w.Stream, e.ID, rec.Version
			}
			if missing.id != uuid.Nil {
				continue
			}
			if reason := differs(e, &rec, written.Last); reason != "" {
				return Receipt{}, false, &IdempotencyError{Stream: w.Stream, EventID: e.ID, Version: rec.Version, Reason: reason}
			}
			if written.First == 0 {
				written.First = rec.Version
			}
			written.Last, written.Position = rec.Version, rec.Position
		}
		receipt.Streams = append(receipt.Streams, written)
	}
	switch {
	case present.id == uuid.Nil:
		return Receipt{}, false, nil
	case missing.id != uuid.Nil:
		return Receipt{}, false, &IdempotencyError{
			Stream: present.stream, EventID: present.id, Version: present.Version,
			Reason: fmt.Sprintf("it comes with event %s of %s, which is not stored", missing.id, missing.stream),
		}
	default:
		return receipt, true, nil
	}
}

// differs says in what the stored event is not the repeated one, "" if in nothing.
// after is the version of the write's event before it, 0 for the first.
func differs(e *Event, rec *Recorded, after Version) string {
	switch {
	case e.Type != rec.Type:
		return "it was stored with type " + rec.Type
	case e.Schema != rec.Schema:
		return fmt.Sprintf("it was stored with schema version %d", rec.Schema)
	case !bytes.Equal(e.Data, rec.Data):
		return "it was stored with other data"
	case after != 0 && rec.Version != after+1:
		return "it was stored in another order, or with other events before it"
	default:
		return ""
	}
}
