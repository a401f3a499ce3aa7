package aggregate

import "github.com/esgen-go/esgen/es"

// Type is what a repository needs to know of an aggregate's Go type T. esgen
// writes it. It stands beside the aggregate rather than on it, so that its methods
// stay out of the aggregate's documentation. Implementations hold no state and are
// safe for concurrent use.
type Type[T any] interface {
	// Category is the category of the aggregates' streams.
	Category() string

	// Root returns the embedded Root.
	Root(a *T) *Root

	// Replay folds one stored row into a: it decodes the event, takes it through its
	// upcasters and applies what comes out, or restores the state if the row is a
	// snapshot (its Type is ""). It does not touch the Root and keeps nothing of row.Data.
	// After an error a is of no use. The errors of unknown events match
	// upcast.ErrUnknownType and upcast.ErrUnknownSchema.
	Replay(a *T, row es.Row) error

	// Apply folds an event of the latest schema version, given as its Go value.
	Apply(a *T, event any) error

	// Encode appends the stored form of an event, given as its Go value, to dst, and returns
	// that part as data, with the event's stored name and schema version. If dst is nil, data
	// is in memory of its own.
	Encode(dst []byte, event any) (name string, schema int, data []byte, err error)

	// Fingerprint tells apart the snapshots of different states: by their shape, and by
	// what fold= at the aggregate says of the apply methods.
	Fingerprint() string

	// AppendState appends the state in the form that Replay restores.
	AppendState(dst []byte, a *T) ([]byte, error)
}
