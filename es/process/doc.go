// Package process runs process managers: they react to events with commands, and wait for what may not come.
//
//	transfers, err := process.New(store, process.Definition{
//		Name: "transfers", Categories: []string{"transfer"},
//		React: func(ctx context.Context, rec es.Recorded, timers *process.Timers) error {
//			…
//			timers.Set(rec.Stream.ID, rec.RecordedAt.Add(time.Hour), nil)
//			return accounts.Update(ctx, from, debit, repository.IdempotencyKey(process.Key(ctx, "debit")))
//		},
//		Expire: func(ctx context.Context, t es.Timer) error {
//			return transfers.Update(ctx, t.ID, (*Transfer).TimeOut, repository.IdempotencyKey(process.Key(ctx, "time out")))
//		},
//	})
//	…
//	err = transfers.Run(ctx)
//
// # Once
//
// React sees every event at least once, in the order of its stream. What it does must not mind a second time, and
// [Key] sees to that: it is the same each time the same event or timer is handled, so that a command with it as its
// idempotency key is carried out once. What React is told to wait for is stored in the transaction that
// records that the event was handled.
//
// A timer is given to Expire at least once, at its time or when a process runs again after that. It may come
// while the event that would have cleared it is on its way: so the command that it leads to must
// look at the state of its aggregate, and record nothing where it is too late. With [Key], a
// time-out is recorded once.
//
// The state of a process belongs into an aggregate of its own, such as a transfer: its events say how far
// it is, and its commands refuse what is out of turn.
//
// Several processes may run the same process manager. One of them reacts, another takes over within
// seconds when that dies.
package process
