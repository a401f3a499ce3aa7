// Package subscription delivers the events of a store to handlers: first those that are
// there, then each as it is appended, without a seam between.
//
//	sub, err := subscription.New(store, "mailer", subscription.Router{
//		"account": subscription.Typed(account.Decode, func(ctx context.Context, event account.AccountEvent, m subscription.Message) error {
//			return mails.Send(ctx, event, m.ID)
//		}),
//	}, subscription.Park(100))
//	…
//	err = sub.Run(ctx) // until the context ends
//
// # At least once
//
// A handler sees every event at least once, and no event of a stream before those that come before it there.
// The position is recorded in the store now and then ([CheckpointEvery]), after the events up to it were
// handled. So after a crash those since the last record come again: a handler must not mind, for example by
// remembering an event's id or position beside its effect. Where the effect lives in the store's own database,
// a [Sink] makes it happen exactly once: it commits effect and position in one transaction, by the
// store's RecordTx.
//
// # Backpressure
//
// A subscription reads ahead by two batches and then waits for its handler: a slow one slows its
// subscription and nothing else, and memory stays bounded.
//
// # Failures
//
// An event that its handler fails is tried again ([Retry]). Then the subscription stops, or, with [Park], sets
// aside the event's stream and goes on with the others. Parked events are listed with their errors, and retried
// or skipped, by [es.Parking]. A failure that is not the event's is to be marked as [Passing], and is waited for.
// So are failures of the store that may pass.
//
// # Groups
//
// With [Group], several processes share the work. Each stream belongs to one partition, and each partition
// to one process at a time. When one joins or leaves, some partitions move; when one dies, its partitions
// move within seconds ([Lease]). Nobody's clock is trusted and no lock is held: each owner works under a number of its
// own, the epoch, and the statement that records progress checks it. So a process that was paused, and was taken
// for dead, records nothing when it comes back, and with a Sink has no effect either. A handler without
// transactions may then have handled a batch that another owner handles too.
package subscription
