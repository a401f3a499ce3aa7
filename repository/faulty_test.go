package repository_test

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/internal/fixture/account"
)

// faulty is a store that a test interferes with.
type faulty struct {
	es.Store
	appends, loads, rows atomic.Int64 // calls, and rows that were loaded

	// onAppend replaces the n-th append, from 1; store does what it should have done.
	onAppend func(n int64, writes []es.Write, store func() (es.Receipt, error)) (es.Receipt, error)
	// onSnapshot comes before a snapshot is saved.
	onSnapshot func(context.Context, es.Snapshot) error
}

func newFaulty() *faulty { return &faulty{Store: memory.New()} }

func (f *faulty) Unwrap() es.Store { return f.Store }

func (f *faulty) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	n := f.appends.Add(1)
	store := func() (es.Receipt, error) { return f.Store.Append(ctx, writes...) }
	if f.onAppend == nil {
		return store()
	}
	return f.onAppend(n, writes, store)
}

func (f *faulty) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	f.loads.Add(1)
	return func(yield func(es.Row, error) bool) {
		for row, err := range f.Store.Load(ctx, q) {
			f.rows.Add(1)
			if !yield(row, err) {
				return
			}
		}
	}
}

func (f *faulty) SaveSnapshot(ctx context.Context, s es.Snapshot) error {
	if f.onSnapshot != nil {
		if err := f.onSnapshot(ctx, s); err != nil {
			return err
		}
	}
	return f.Store.SaveSnapshot(ctx, s)
}

// lostReply stores an append and loses the answer.
func lostReply(store func() (es.Receipt, error)) (es.Receipt, error) {
	if _, err := store(); err != nil {
		return es.Receipt{}, err
	}
	return es.Receipt{}, fmt.Errorf("connection reset: %w", es.ErrOutcomeUnknown)
}

// lostRequest loses an append before it is stored.
func lostRequest() (es.Receipt, error) {
	return es.Receipt{}, fmt.Errorf("connection reset: %w", es.ErrOutcomeUnknown)
}

// overtake has someone else deposit 100 on account 1.
func overtake(t *testing.T, store es.Store) {
	t.Helper()
	noError(t, account.NewRepository(store).Update(context.Background(), "1", deposit(100)))
}

// appendStored appends events to account 1 in their stored form.
func appendStored(t *testing.T, store es.Store, expect es.Expected, events ...es.Event) {
	t.Helper()
	for i := range events {
		events[i].ID = es.NewID()
	}
	_, err := store.Append(t.Context(), es.Write{Stream: stream("1"), Expect: expect, Events: events})
	noError(t, err)
}

func stream(id string) es.Stream { return es.Stream{Category: "account", ID: id} }

// stored returns the events of a stream.
func stored(t *testing.T, store es.Store, s es.Stream) []es.Recorded {
	t.Helper()
	var all []es.Recorded
	for rec, err := range store.Read(t.Context(), es.ReadQuery{Stream: s}) {
		noError(t, err)
		all = append(all, rec)
	}
	return all
}
