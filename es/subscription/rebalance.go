package subscription

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// watch tells which members of a group are alive, by their counters alone: one that has not moved while
// this process watched for as long as a lease is dead.
type watch struct {
	lease  time.Duration
	gap    time.Duration // the longest time between two looks that counts
	looked time.Time
	silent map[uuid.UUID]silence
}

// silence is for how long a member has been seen to say nothing.
type silence struct {
	beat int64
	for_ time.Duration
}

// observe takes note of a group's state. A pause of this process itself is no silence of the others: of a long
// time between two looks only a little counts.
func (w *watch) observe(now time.Time, self uuid.UUID, state es.GroupState) {
	passed := min(now.Sub(w.looked), w.gap)
	if w.looked.IsZero() {
		passed = 0
	}
	w.looked = now
	seen := make(map[uuid.UUID]silence, len(state.Members))
	for _, other := range state.Members {
		s, known := w.silent[other.ID]
		if !known || s.beat != other.Beat {
			s = silence{beat: other.Beat}
		} else {
			s.for_ += passed
		}
		if other.ID != self {
			seen[other.ID] = s
		}
	}
	w.silent = seen
}

// living returns the members that are not dead, this one included.
func (w *watch) living(self uuid.UUID, state es.GroupState) (ids []uuid.UUID) {
	ids = append(ids, self)
	for _, other := range state.Members {
		if other.ID != self && w.silent[other.ID].for_ < w.lease {
			ids = append(ids, other.ID)
		}
	}
	return ids
}

// plan says what a member does to come by its share: which partitions it gives up, and which it claims.
//
// Every member makes its own plan from what it sees, and all plans lead to the same end: each living
// member has partitions / members, and the first of them, which are those that have most already, have one
// of the rest. A partition moves only from a member that has too many, or from none.
func plan(self uuid.UUID, living []uuid.UUID, partitions []es.Partition) (release, claim []es.Claim) {
	owned := map[uuid.UUID]int{}
	for _, p := range partitions {
		owned[p.Owner]++
	}
	ranked := slices.SortedFunc(slices.Values(living), func(a, b uuid.UUID) int {
		return cmp.Or(cmp.Compare(owned[b], owned[a]), bytes.Compare(a[:], b[:]))
	})
	rank := slices.Index(ranked, self)
	share := len(partitions) / len(living)
	if rank < len(partitions)%len(living) {
		share++
	}
	have := owned[self]
	for i := range partitions {
		// Members start at different places, so that they seldom claim the same.
		p := partitions[(i+rank*len(partitions)/len(living))%len(partitions)]
		switch {
		case p.Owner == self && have-len(release) > share:
			release = append(release, p.Claim)
		case p.Owner != self && have+len(claim) < share && !slices.Contains(living, p.Owner):
			claim = append(claim, p.Claim)
		}
	}
	return release, claim
}

// wants reports whether a state of the group calls for a change of what the member owns.
func (m *member) wants(state es.GroupState) bool {
	for _, p := range state.Partitions {
		held, mine := m.held[p.Partition]
		if mine && held.Epoch < p.Epoch {
			return true
		}
	}
	release, claim := plan(m.Member, m.watch.living(m.Member, state), m.current(state))
	return len(release)+len(claim) > 0
}

// current are the partitions of a state, which may have been read before this member's last claims. One that is this
// member's without its knowledge, since the answer to a claim was lost, is as good as nobody's.
func (m *member) current(state es.GroupState) []es.Partition {
	partitions := slices.Clone(state.Partitions)
	for i, p := range partitions {
		held, mine := m.held[p.Partition]
		switch {
		case mine && held.Epoch > p.Epoch:
			partitions[i] = held
		case p.Owner == m.Member && (!mine || held.Epoch < p.Epoch):
			partitions[i].Owner = uuid.Nil
		}
	}
	return partitions
}

// rebalance gives up and claims what the plan says.
func (m *member) rebalance(ctx context.Context, state es.GroupState) error {
	living := m.watch.living(m.Member, state)
	for _, p := range state.Partitions {
		if held, mine := m.held[p.Partition]; mine && held.Epoch < p.Epoch {
			delete(m.held, p.Partition) // it was taken over
		}
	}
	release, claim := plan(m.Member, living, m.current(state))
	for _, other := range state.Members {
		if !slices.Contains(living, other.ID) { // the counter says whether it is still silent
			if err := m.source.groups.Leave(ctx, m.name, other.ID, other.Beat); err != nil {
				m.status.failed(err)
			}
		}
	}
	if len(release) > 0 {
		if err := m.persistently(ctx, "releasing partitions", func() error { return m.source.groups.Release(ctx, m.name, release) }); err != nil {
			return err
		}
		for _, c := range release {
			delete(m.held, c.Partition)
		}
	}
	for _, c := range claim {
		var p es.Partition
		err := m.persistently(ctx, "claiming a partition", func() (err error) {
			p, err = m.source.groups.Claim(ctx, m.name, c, m.Member)
			return err
		})
		switch {
		case errors.Is(err, es.ErrFenced): // another member was faster
		case err != nil:
			return err
		default:
			m.held[c.Partition] = p
		}
	}
	owned := make([]int, 0, len(m.held))
	for n := range m.held {
		owned = append(owned, n)
	}
	slices.Sort(owned)
	m.status.owns(m.Member, owned)
	return nil
}
