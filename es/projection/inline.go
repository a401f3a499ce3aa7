package projection

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Inline returns a store that has a read model change in the very transaction of each append: who reads it after an
// append sees it, and an append whose handler fails is not made. Repositories take it as any store.
//
// handle is given the events of an append as they are stored, but without Position and RecordedAt, which
// are not known before the commit. Those of a stream come in order. It is not called for a duplicate, which
// had its effect before. Only appends through this store change the read model: all writers must use it, and
// what was appended before must have been brought in by other means. The inner store's AppendTx does not know of it.
//
// What it costs: such an append shares neither statement nor commit with others. See the guide for figures.
// On PostgreSQL the feed is held up at the append until its transaction ends, and handlers that change
// the same rows wait for each other; of two that change them in different orders one gives way, and is made
// again. On SQLite transactions come one after the other anyway.
func Inline[TX any](store es.Store, handle func(ctx context.Context, tx TX, events []es.Recorded) error) (es.Store, error) {
	txs, ok := es.Capability[Store[TX]](store)
	if !ok {
		var tx TX
		return nil, fmt.Errorf("projecting in line: %T shares no transactions of type %T (projection.Store)", store, tx)
	}
	return &inline[TX]{Store: store, txs: txs, handle: handle}, nil
}

type inline[TX any] struct {
	es.Store
	txs    Store[TX]
	handle func(ctx context.Context, tx TX, events []es.Recorded) error
}

// Unwrap makes the store's other capabilities found.
func (i *inline[TX]) Unwrap() es.Store { return i.Store }

// Append implements [es.Store].
func (i *inline[TX]) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	doubtful := false // whether a try may have been committed, though it failed
	for try := 0; ; try++ {
		receipt, err := i.append(ctx, writes)
		// The same events again are stored once, with their effect: whether the last try was is settled so.
		if err == nil || !errors.Is(err, es.ErrTxLost) {
			return receipt, err
		}
		if doubtful = doubtful || errors.Is(err, es.ErrOutcomeUnknown); doubtful {
			err = fmt.Errorf("%w: %w", es.ErrOutcomeUnknown, err)
		}
		if try == tries {
			return es.Receipt{}, err
		}
		if sleep(ctx, rand.N(min(time.Millisecond<<min(try, 10), longestPause))) != nil {
			return es.Receipt{}, err
		}
	}
}

// An append that had to give way is made again so often, after random pauses.
const (
	tries        = 30
	longestPause = 200 * time.Millisecond
)

func (i *inline[TX]) append(ctx context.Context, writes []es.Write) (receipt es.Receipt, err error) {
	err = i.txs.InTx(ctx, func(ctx context.Context, tx TX) error {
		if receipt, err = i.txs.AppendTx(ctx, tx, writes...); err != nil || receipt.Duplicate {
			return err
		}
		var events []es.Recorded
		for n, w := range writes {
			for j, e := range w.Events {
				events = append(events, es.Recorded{Event: e, Stream: w.Stream, Version: receipt.Streams[n].First + es.Version(j)})
			}
		}
		return i.handle(ctx, tx, events)
	})
	if err != nil {
		return es.Receipt{}, err
	}
	return receipt, nil
}
