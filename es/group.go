package es

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/google/uuid"
)

// MaxPartitions is how many partitions a group can have.
const MaxPartitions = 1024

// ErrPartitions: a group has another number of partitions than was asked for.
var ErrPartitions = errors.New("wrong number of partitions")

// PartitionsError tells that a group was created with another number of partitions. The number
// says which streams each partition has, so it never changes. It matches [ErrPartitions].
type PartitionsError struct {
	Group     string
	Want, Has int
}

func (e *PartitionsError) Error() string {
	return fmt.Sprintf("joining group %q with %d partitions: it was created with %d: use that number, or another name for the group", e.Group, e.Want, e.Has)
}

// Is reports whether target is [ErrPartitions].
func (e *PartitionsError) Is(target error) bool { return target == ErrPartitions }

// Partition returns which of n partitions a stream belongs to, from 0. It is the same
// everywhere and for ever: the 64-bit FNV-1a hash of [Stream.String], its upper half
// combined with its lower by exclusive or, modulo n. n must be above 0.
func (s Stream) Partition(n int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Category))
	_, _ = h.Write([]byte{'-'})
	_, _ = h.Write([]byte(s.ID))
	sum := h.Sum64()
	return int((uint32(sum>>32) ^ uint32(sum)) % uint32(n))
}

// Claim is the right to move a partition of a group: the epoch that it had when it was
// claimed. Each new owner gets a higher one, so that the former's claim is worth nothing.
type Claim struct {
	Partition int
	Epoch     int64
}

// Groups let several processes share the work of one reader: the group has a fixed number of
// partitions, each with its own position and one owner at a time.
//
// No call waits for another member, and no clock is compared: a member's heartbeat is a
// counter, which the others watch. Whoever takes over from a member that seems dead
// raises the epoch of its partitions; if the former owner is alive after all, what it records is
// refused with [ErrFenced].
type Groups interface {
	Tracker

	// Beat raises the member's counter, or adds it to the group, and returns the group's state
	// after that. A group that does not exist is created. One with another number of partitions
	// is refused with a *[PartitionsError].
	Beat(ctx context.Context, m Membership) (GroupState, error)

	// Claim takes a partition for a member, if its epoch is still the given one, and returns it
	// with a higher epoch. Else the error is a *[FencedError]. So it is, rather than to wait, while an open
	// transaction has recorded progress of the partition: then the claim may be repeated.
	Claim(ctx context.Context, group string, c Claim, member uuid.UUID) (Partition, error)

	// Release leaves the member's partitions among the claims without an owner, for others to claim.
	// Claims that are outdated are passed over.
	Release(ctx context.Context, group string, claims []Claim) error

	// Leave removes a member whose counter is still at beat, or at any number if beat is 0.
	// It takes nobody's partitions.
	Leave(ctx context.Context, group string, member uuid.UUID, beat int64) error

	// Group returns a group's state; [ErrNotFound] if there is none.
	Group(ctx context.Context, group string) (GroupState, error)
}

// Membership is what a member says of itself and its group.
type Membership struct {
	Group      string    // its name: 1 to 200 bytes of UTF-8
	Partitions int       // 1 to MaxPartitions
	Start      Position  // of the partitions, where the group is created
	Member     uuid.UUID // not zero; a new one for each process
}

// GroupState is a group at one moment.
type GroupState struct {
	Partitions []Partition // in order, from 0
	Members    []Member    // in the order of their ids
}

// Member is a process in a group.
type Member struct {
	ID   uuid.UUID
	Beat int64 // its heartbeats so far
}

// Partition is a part of a group's streams.
type Partition struct {
	Claim              // as it is now
	Owner    uuid.UUID // zero: nobody
	Position Position  // recorded
}

// Validate refuses what can't be: the error matches [ErrInvalidName], [ErrPartitions] or
// [ErrNegative]. Stores call it first.
func (m Membership) Validate() error {
	if m.Partitions < 1 || m.Partitions > MaxPartitions {
		return fmt.Errorf("%d partitions, 1 to %d are allowed: %w", m.Partitions, MaxPartitions, ErrPartitions)
	}
	if m.Member == uuid.Nil {
		return fmt.Errorf("the member has no id: %w", ErrInvalidName)
	}
	return cmp.Or(ValidateCheckpointName(m.Group), m.Start.Validate())
}
