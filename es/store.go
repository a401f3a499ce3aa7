package es

import (
	"cmp"
	"context"
	"iter"
)

// Store keeps events. All methods are safe for concurrent use, by any number of
// processes where the engine allows several.
//
// Every store keeps these promises, and package storetest checks them:
//
//   - Append-only, all or nothing: an append is atomic over all its streams, and
//     nothing that was stored is changed.
//   - Expected version: of concurrent appends with the same [Exactly], one wins and
//     every other gets a *[ConflictError].
//   - Stable prefix: once a reader of the feed has seen a position, no event appears
//     below it. The order of a stream and that of the feed agree.
//   - Idempotency: see [Store.Append].
//   - Every byte of an event comes back as it was written.
//   - Bad input is refused: an append before anything is written, with an
//     *[InvalidError]; a query, snapshot or checkpoint with an error that matches
//     [ErrInvalidStream], [ErrInvalidType], [ErrInvalidName] or [ErrNegative].
//   - Durability: an acknowledged append survives the death of the process and of
//     the machine, as far as the engine can tell.
//   - Context: when it ends, the call stops. Whether a stopped append was stored is
//     settled by sending it again.
//
// The iterators that a store returns page through the stored events: no
// connection, lock or snapshot of the database is held while the loop's body runs,
// so that it may call the store. They stop at once when the loop breaks off or the
// context ends; a loop under way when the store is closed comes to its end or yields
// [ErrClosed]; an error is yielded last, with a zero value, and `for rec := range`
// would drop it: always take both values.
type Store interface {
	// Append stores the events of all writes, or of none.
	//
	// It is idempotent: if every stream already has all its events' ids, in the same
	// order and with nothing between them, the append is a success that returns the
	// original versions and positions and says Duplicate, whatever was expected. If
	// only some are there, or their type, schema version or data differ, it returns an
	// *[IdempotencyError].
	//
	// Other errors: *[ConflictError], *[InvalidError], the context's, [ErrClosed], and
	// [ErrOutcomeUnknown] around the engine's own when the events may have been stored.
	//
	// The store owns the events' Data until Append returns nil. After an error, a
	// cancelled context included, it may still read them: the caller must not reuse
	// the memory.
	Append(ctx context.Context, writes ...Write) (Receipt, error)

	// Read yields the events of one stream. A stream that does not exist yields
	// [ErrNotFound]; a range without events yields nothing. `for rec := range` would drop
	// either error: see above.
	Read(ctx context.Context, q ReadQuery) iter.Seq2[Recorded, error]

	// Load yields what is needed to rebuild an aggregate, in one round trip where the
	// engine can: the newest usable snapshot, if there is one, and the events after it.
	// A stream that does not exist yields nothing.
	Load(ctx context.Context, q LoadQuery) iter.Seq2[Row, error]

	// SaveSnapshot stores a snapshot, unless there is a newer one of the same stream and
	// fingerprint. It refuses one of a version that the stream has not reached with
	// [ErrNotFound], since such a snapshot would hide events to come. As with events, the
	// store owns the Data until SaveSnapshot returns nil.
	SaveSnapshot(ctx context.Context, s Snapshot) error

	// Limits tells what the store takes.
	Limits() Limits
}

// Write is one stream's part of an append.
type Write struct {
	Stream Stream
	Expect Expected
	Events []Event
}

// Receipt tells where the events of an append are stored.
type Receipt struct {
	// Duplicate: the events had been appended before; nothing was written now.
	Duplicate bool
	// Streams has one entry a write, in the order of the writes.
	Streams []Written
}

// Position returns that of the append's last event, which is what to wait for in order to read its effect. It is 0
// where the receipt has no streams, as that of a repository's command that found itself done before.
func (r Receipt) Position() (last Position) {
	for _, w := range r.Streams {
		last = max(last, w.Position)
	}
	return last
}

// Written is one stream's part of a [Receipt].
type Written struct {
	Stream      Stream
	First, Last Version
	Position    Position // of the event at Last
}

// Row is what a load needs of a snapshot or an event. It is passed by value: a
// replay allocates nothing for it.
type Row struct {
	Version Version
	Type    string // "" for the snapshot, which comes first
	Schema  int    // 0 for the snapshot
	Data    []byte // borrowed until the loop's next turn
}

// Snapshot is the state of an aggregate at a version, kept to shorten loads. Snapshots are a
// cache: losing one loses nothing. A store keeps at least the newest of each
// stream and fingerprint.
type Snapshot struct {
	Stream  Stream
	Version Version
	// Fingerprint tells what wrote the snapshot, so that builds with another shape of
	// the state neither use nor overwrite it. It has 1 to 200 bytes of UTF-8.
	Fingerprint string
	// Data is the state. It comes back byte for byte.
	Data []byte
}

// Validate refuses an invalid stream ([ErrInvalidStream]) and fingerprint
// ([ErrInvalidName]). Stores call it first; whether the stream has reached the version,
// they alone know.
func (s Snapshot) Validate() error {
	return cmp.Or(s.Stream.Validate(), validateFingerprint(s.Fingerprint))
}

// Feed is a store's events in one order. Stores that have one implement it
// beside [Store]: see [Capability].
type Feed interface {
	// ReadAll yields the events after a position, in order, up to the head of the feed
	// as it was when the loop began. A position beyond the head yields a
	// *[BeyondHeadError]. `for rec := range` would drop errors: see [Store].
	ReadAll(ctx context.Context, q FeedQuery) iter.Seq2[Recorded, error]

	// Head returns the position up to which the feed can be read now; 0 if it is empty. A
	// store may hold back what it has acknowledged for as long as a lower position could
	// still appear.
	Head(ctx context.Context) (Position, error)
}

// Checkpoints keeps how far readers of the feed have come, by the reader's name (1
// to 200 bytes of UTF-8).
type Checkpoints interface {
	// Checkpoint returns the stored position; 0 if there is none. One beyond the head
	// of the feed is returned with a *[BeyondHeadError].
	Checkpoint(ctx context.Context, name string) (Position, error)

	// SaveCheckpoint stores a position, which may be lower than the stored one, as durably as
	// an append. One beyond the head of the feed is refused with a *[BeyondHeadError], a
	// negative one with [ErrNegative].
	SaveCheckpoint(ctx context.Context, name string, p Position) error
}

// Lister lists streams.
type Lister interface {
	// Streams yields the streams of a category in the byte order of their ids. `for info
	// := range` would drop errors: see [Store].
	Streams(ctx context.Context, q ListQuery) iter.Seq2[StreamInfo, error]
}

// StreamInfo is a stream and its version.
type StreamInfo struct {
	Stream  Stream
	Version Version
}

// Watcher wakes readers of the feed.
type Watcher interface {
	// Watch returns a channel that receives after events were appended, by this process or another.
	// Signals coalesce, and one may come without news: read the feed after each. One is
	// sent at the start. The channel is closed when the context ends or the store is closed.
	Watch(ctx context.Context) <-chan struct{}
}

// Capability finds an optional interface, such as [Feed], in a store or in the
// stores that it decorates: a decorator has a method Unwrap() Store.
func Capability[C any](s Store) (C, bool) {
	for s != nil {
		if c, ok := s.(C); ok {
			return c, true
		}
		u, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = u.Unwrap()
	}
	var none C
	return none, false
}
