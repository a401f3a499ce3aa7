package wallet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/repository"
)

// Bank moves money between wallets.
type Bank struct {
	wallets *repository.Repository[Wallet]
	store   es.Store
	feed    es.Feed
	marks   es.Checkpoints

	mu       sync.Mutex
	balances map[string]int64
}

// NewBank returns a bank on a store.
func NewBank(store es.Store) *Bank {
	b := &Bank{store: store, wallets: NewRepository(store), balances: map[string]int64{}}
	b.feed, _ = es.Capability[es.Feed](store)
	b.marks, _ = es.Capability[es.Checkpoints](store)
	return b
}

// Transfer moves money from one wallet to another in one append.
func (b *Bank) Transfer(ctx context.Context, from, to string, m Money) error {
	now := time.Now()
	sender, err := b.wallets.Load(ctx, from)
	if err != nil {
		return err
	}
	receiver, err := b.wallets.Load(ctx, to)
	if err != nil {
		return err
	}
	if err := sender.Move(Money{m.Currency, -m.Minor}, now, "to "+to); err != nil {
		return err
	}
	if err := receiver.Move(m, now, "from "+from); err != nil {
		return err
	}
	_, err = repository.SaveAll(ctx, []repository.Staged{b.wallets.Stage(sender), b.wallets.Stage(receiver)})
	return err
}

// Sweep releases holds, in the background if it may.
func (b *Bank) Sweep(ctx context.Context, ids []string) error {
	var failed []error
	for _, id := range ids {
		err := b.wallets.Update(ctx, id, func(w *Wallet) error { return w.Release(time.Now()) })
		failed = append(failed, err)
	}
	done := make(chan error, 1)
	go func() { done <- b.wallets.Verify(ctx, ids[0]) }()
	return errors.Join(append(failed, <-done)...)
}

// Project keeps the balances of all wallets.
func (b *Bank) Project(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	after, err := b.marks.Checkpoint(ctx, "balances")
	if err != nil {
		return err
	}
	for rec, err := range b.feed.ReadAll(ctx, es.FeedQuery{After: after}) {
		if err != nil {
			return err
		}
		events, err := Decode(rec)
		if err != nil {
			return err
		}
		for _, event := range events {
			if moved, ok := event.(Moved); ok {
				b.balances[rec.Stream.ID] += moved.Money.Minor
			}
		}
		after = rec.Position
	}
	return b.marks.SaveCheckpoint(ctx, "balances", after)
}
