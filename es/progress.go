package es

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ErrFenced: progress was not recorded, because somebody else has recorded some since.
// See [FencedError].
var ErrFenced = errors.New("fenced off")

// FencedError tells that a reader of the feed was overtaken: its checkpoint is not where
// it left it, or the partition that it works on has another owner by now. Nothing was
// recorded. It matches [ErrFenced].
type FencedError struct {
	Name      string // of the checkpoint or group
	Partition int    // that is lost; -1 where there is no group
	// Stream is the one of which the parked event is not as it was found; zero where that is
	// not the reason.
	Stream Stream
}

func (e *FencedError) Error() string {
	if e.Stream != (Stream{}) {
		return fmt.Sprintf("what %q has parked of %s is not as it was found: somebody else has tried it since: let one process run its reader, or make it a group", e.Name, e.Stream)
	}
	if e.Partition >= 0 {
		return fmt.Sprintf("partition %d of group %q is not where it was claimed: it has another owner by now, who handles its events since the last recorded position", e.Partition, e.Name)
	}
	return fmt.Sprintf("checkpoint %q was moved by somebody else: let one process run its reader, or make it a group", e.Name)
}

// Is reports whether target is [ErrFenced].
func (e *FencedError) Is(target error) bool { return target == ErrFenced }

// Progress is what a reader of the feed has done since it last said so. A store records all
// of it or nothing.
type Progress struct {
	// Name is that of the checkpoint, or of the group if there are Claims.
	Name string
	// From is where the checkpoint must be, and To where it goes. They may be equal: then
	// it is only seen to be there.
	From, To Position
	// Claims are the partitions of the group that move, each of which must be at From and
	// still have the claim's epoch. Without them the checkpoint of the name moves.
	Claims []Claim
	// Park are streams to set aside, as they are to be from now on but for At, and Unpark
	// streams to take up again: see [Parking].
	Park   []Parked
	Unpark []Stream
	// Tried are parked events that have been tried, as they were found: each must still be
	// parked at its Version after as many Attempts, or nothing is recorded. So what came of an attempt is
	// recorded once, also where no position moves. If its stream is parked at the same version
	// again, a verdict other than the one found was given meanwhile, and stays.
	Tried []Parked
}

// Found returns the parked event of a stream that was tried, as it was found; nil if none was.
func (p Progress) Found(s Stream) *Parked {
	for i := range p.Tried {
		if p.Tried[i].Stream == s {
			return &p.Tried[i]
		}
	}
	return nil
}

// Validate refuses what no store records, with an error that matches [ErrInvalidName],
// [ErrNegative] or [ErrInvalidStream]. Stores call it first.
func (p Progress) Validate() error {
	if err := cmp.Or(ValidateCheckpointName(p.Name), notNegative("From", p.From), notNegative("To", p.To)); err != nil {
		return err
	}
	if p.To < p.From {
		return fmt.Errorf("progress from position %d back to %d: %w", p.From, p.To, ErrNegative)
	}
	for _, parked := range slices.Concat(p.Park, p.Tried) {
		if err := cmp.Or(parked.Stream.Validate(), notNegative("Version", parked.Version), notNegative("Attempts", parked.Attempts)); err != nil {
			return fmt.Errorf("parking %.120s: %w", parked.Stream.String(), err)
		}
	}
	for _, s := range p.Unpark {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	return nil
}

// Tracker records progress. Unlike [Checkpoints.SaveCheckpoint] it notices that somebody
// else works under the same name, which is what effects that must happen once are built
// on. A store of which the transactions can be shared has a method RecordTx beside it.
type Tracker interface {
	Checkpoints

	// Record stores progress, all or nothing, as durably as an append. Where the checkpoint
	// is not at From, or a claim is outdated, it returns a *[FencedError], within
	// [ErrOutcomeUnknown] if that may be this call's own doing, of which the answer was lost. A position
	// beyond the head of the feed is refused with a *[BeyondHeadError].
	Record(ctx context.Context, p Progress) error
}

// Parked is a stream that a subscription has set aside at an event which it can't
// handle. The events that follow it in its stream wait behind it, where they are: in the
// store.
type Parked struct {
	Stream   Stream
	Version  Version   // of the event that failed
	Position Position  // of the event that failed
	Attempts int       // to handle it
	Error    string    // of the last attempt
	At       time.Time // of the last attempt, by the store's clock; the store sets it
	Verdict  Verdict   // what is to be done
}

// Verdict is what somebody has decided about a parked event.
type Verdict string

// The verdicts.
const (
	Undecided Verdict = ""
	Retry     Verdict = "retry" // handle it again, and what waits behind it
	Skip      Verdict = "skip"  // leave it out, and handle what waits behind it
)

// ErrNotParked: there is no such parked event.
var ErrNotParked = errors.New("not parked")

// Parking keeps the streams that subscriptions have set aside. They get there and go by
// [Tracker.Record].
type Parking interface {
	// Parked returns what a subscription has parked, in the byte order of categories and
	// ids.
	Parked(ctx context.Context, q ParkedQuery) ([]Parked, error)

	// Decide says what is to be done with a parked event. The subscription does it, wherever
	// it runs, within seconds. If the stream is not parked at that version, the
	// error is [ErrNotParked]: it was tried meanwhile, or somebody decided otherwise.
	Decide(ctx context.Context, name string, s Stream, v Version, verdict Verdict) error
}

// ParkedQuery selects parked streams.
type ParkedQuery struct {
	Name  string // of the subscription
	After Stream // the stream to go on after; zero for the beginning
	Limit int    // 0 means no limit
}

// Validate refuses an invalid name ([ErrInvalidName]) and a negative limit
// ([ErrNegative]). Stores call it first.
func (q ParkedQuery) Validate() error {
	return cmp.Or(ValidateCheckpointName(q.Name), notNegative("Limit", q.Limit))
}

// ValidateVerdict refuses what is neither [Retry] nor [Skip].
func ValidateVerdict(v Verdict) error {
	if v != Retry && v != Skip {
		return fmt.Errorf("verdict %.20q: %q or %q is expected: %w", v, Retry, Skip, ErrInvalidName)
	}
	return nil
}

// Identity tells stores apart. A checkpoint that is kept outside its store belongs to one
// identity: under another, its position means nothing.
type Identity struct {
	// Store is given when a store is created, and copied with it.
	Store uuid.UUID
	// Epoch changes when an older backup is restored and the store is told.
	Epoch int64
}

// Identified is a store that has an identity.
type Identified interface {
	Identity(ctx context.Context) (Identity, error)
}
