// Package es is the vocabulary of event sourcing and the contract of an event
// store: streams, versions, positions, expectations, events, and the interfaces
// that every store implements.
//
// An event store is append-only; ordered, in each stream and as a whole;
// versioned, for optimistic concurrency; subscribable; and idempotent. What that
// means to the letter is written on [Store] and its optional companions ([Feed],
// [Checkpoints], [Tracker], [Parking], [Groups], [Lister], [Watcher], [Identified]), and
// package storetest holds any implementation to it.
//
// People who model aggregates seldom call a store directly: package repository
// loads and saves aggregates over it.
package es
