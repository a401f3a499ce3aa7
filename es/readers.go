package es

import (
	"context"
	"errors"
)

// Reader is who reads the feed under a name, as far as the store knows.
type Reader struct {
	Name string
	// Partitions is the number of the group's partitions; 0 where there is a checkpoint
	// rather than a group.
	Partitions int
	Position   Position // recorded; of a group's partitions the one furthest behind
	Members    int      // of the group, those that were killed and not missed yet included
	Parked     int      // streams set aside under this name
}

// ErrInUse: a group has members.
var ErrInUse = errors.New("in use")

// Readers tells who reads the feed, and forgets who does no more.
type Readers interface {
	Checkpoints

	// Readers returns all checkpoints and groups, in the byte order of their names. A name that has both comes
	// twice, the checkpoint first.
	Readers(ctx context.Context) ([]Reader, error)

	// Forget removes what is kept under a name: checkpoint, group and what is parked, all or nothing. A reader that
	// comes under this name again is a new one. One that is at work is refused when it records progress the next time. A
	// group that has members is refused with [ErrInUse]: stop them. One that was killed leaves by [Groups.Leave]. Where
	// nothing is kept, the error is [ErrNotFound].
	Forget(ctx context.Context, name string) error
}
