package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/esgen-go/esgen/es"
)

// request is one append on its way through the appender.
type request struct {
	ctx    context.Context
	writes []es.Write
	meta   [][][]byte // the events' metadata, encoded
	events int
	bytes  int

	done chan outcome // buffered: whoever settles the request never waits for its caller

	// Written by whoever has the request at the time.
	inDoubt      bool      // an attempt was cut off: it may have been stored
	alone        bool      // it shares no flush of the lane
	failing      time.Time // since when connections were lost, its own or those of requests before it
	cause        error     // of the last such failure
	blockedUntil time.Time // when it ends if another transaction is still in its way; zero if none was
}

// outcome is what became of a request.
type outcome struct {
	receipt es.Receipt
	lost    bool // stored nothing, since something stored before is in the way
	err     error
}

// newRequest checks an append and prepares it.
func newRequest(ctx context.Context, limits es.Limits, writes []es.Write) (*request, error) {
	if err := limits.ValidateWrites(writes); err != nil {
		return nil, err
	}
	r := &request{ctx: ctx, writes: writes, done: make(chan outcome, 1), meta: make([][][]byte, len(writes))}
	for i := range writes {
		r.meta[i] = make([][]byte, len(writes[i].Events))
		for j := range writes[i].Events {
			e := &writes[i].Events[j]
			text, err := metadata(&e.Meta)
			if err != nil {
				return nil, &es.InvalidError{Stream: writes[i].Stream, Index: j, EventID: e.ID, Type: e.Type, Field: "Meta", Err: err}
			}
			r.meta[i][j] = text
			r.bytes += len(e.Data) + len(text)
		}
		r.events += len(writes[i].Events)
	}
	if r.bytes > maxAppendBytes {
		return nil, &es.InvalidError{Index: -1, Err: fmt.Errorf("%d bytes in one append, at most %d: %w", r.bytes, maxAppendBytes, es.ErrTooLarge)}
	}
	return r, nil
}

// maxAppendBytes keeps a statement's parameters well below the 1 GB that PostgreSQL
// takes.
const maxAppendBytes = 256 << 20

// placedWrite is a write with its place in a flush.
type placedWrite struct {
	*es.Write
	metadata [][]byte
	request  int // the index of its request in the flush
	index    int // its own index in the request
}

// place lists the writes of requests in the order of their streams, in which every
// flush of every process locks them, so that no two wait for each other.
func place(writes []placedWrite, requests []*request) []placedWrite {
	writes = writes[:0]
	for i, r := range requests {
		for j := range r.writes {
			writes = append(writes, placedWrite{&r.writes[j], r.meta[j], i, j})
		}
	}
	if len(writes) > 1 {
		slices.SortFunc(writes, func(a, b placedWrite) int {
			return cmp.Or(strings.Compare(a.Stream.Category, b.Stream.Category), strings.Compare(a.Stream.ID, b.Stream.ID))
		})
	}
	return writes
}
