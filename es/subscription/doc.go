// Package subscription delivers the events of a store to handlers: first those that are
// there, then each as it is appended, without a seam between.
//
//	sub, err := subscription.New(store, "mailer", subscription.Each(func(ctx context.Context, rec es.Recorded) error {
//		return mails.Send(ctx, rec)
//	}), subscription.Categories("account"))
//	…
//	err = sub.Run(ctx) // until the context ends
//
// # At least once
//
// A handler sees every event at least once, and the events of a stream in their order. The position
// is recorded in the store now and then ([CheckpointEvery]), after the events up to it were
// handled. So after a crash those since the last record come again: a handler must not mind, for example by
// remembering an event's position or id beside its effect. Where the effect lives in the store's own database,
// a [Sink] makes it happen exactly once: it commits effect and position in one transaction.
//
// # Backpressure
//
// A subscription reads ahead by two batches and then waits for its handler: a slow one slows its
// subscription and nothing else, and memory stays bounded.
package subscription
