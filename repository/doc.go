// Package repository loads aggregates from an event store and saves them to it.
//
// A [Repository] rebuilds an aggregate from its newest snapshot and the events after it,
// in one round trip, and saves what was recorded with the version that was loaded as the
// expectation, so that no decision is stored that was made on outdated state.
// [Repository.Update] is the way to run a command: it loads, decides, saves, and does so
// again when someone else was faster. [Atomically] does the same for several aggregates
// of one store.
package repository
