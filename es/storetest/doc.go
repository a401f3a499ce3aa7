// Package storetest holds an implementation of [es.Store] to the contract that
// package es writes down: one named clause for each promise.
//
// A store's own test is a harness and one call:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Harness{
//			Place: func(t testing.TB) string { return filepath.Join(t.TempDir(), "events.db") },
//			Open:  func(ctx context.Context, place string) (es.Store, error) { return mystore.Open(ctx, place) },
//		})
//	}
//
// Each clause runs as a subtest on a store of its own, in parallel with the others:
//
//	go test -run 'TestStore/Idempotency' -v
//
// [Clauses] lists them, each with what must hold and with what no test can force.
// Under -short the concurrent and random ones do less. Run them with -race too.
//
// No test forces the machine to lose power, so that a store that acknowledges what the
// operating system has not yet written passes: its own tests must show the sync
// before the acknowledgement. Nor does one force an interleaving inside the engine: the
// races are run many times, and a store that can be stopped between taking a
// position and committing it should replay those interleavings on purpose. A
// checkpoint that an older backup left beyond the head of the feed takes the
// engine's own tools to make.
package storetest
