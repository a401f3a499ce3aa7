package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// beatsPerLease is how often a member gives a sign of life while a lease lasts.
const beatsPerLease = 6

// member is one process of a group, while it runs.
type member struct {
	*Subscription
	es.Membership
	held   map[int]es.Partition // what it owns, as far as it knows
	states chan sighting        // the newest one
	fresh  atomic.Int64         // when that was asked for of which this member's doing takes account, by this process's own clock
	begun  time.Time            // the beginning of that clock
	watch  watch
	vain   int // how often in a row it was refused as overtaken and was not
}

// sighting is a group's state, as the answer to a sign of life.
type sighting struct {
	es.GroupState
	asked time.Duration // when the sign was given
}

// runMember is Run for a member of a group. The member works on the partitions that are furthest behind, up to
// where the others are; so all come together, and one reader serves them all.
func (s *Subscription) runMember(ctx, work context.Context) error {
	m := &member{
		Subscription: s,
		Membership:   es.Membership{Group: s.name, Partitions: s.partitions, Member: es.NewID()},
		held:         map[int]es.Partition{},
		states:       make(chan sighting, 1),
		begun:        time.Now(),
		watch:        watch{lease: s.lease, gap: 2 * s.lease / beatsPerLease, silent: map[uuid.UUID]silence{}},
	}
	state, err := m.join(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	beating, rest := context.WithCancel(work)
	ctx, cancel := context.WithCancel(ctx)
	beats := make(chan error, 1)
	go func() {
		defer cancel() // without a sign of life the member can't stay
		beats <- m.beat(beating)
	}()
	err = m.share(ctx, work, state)
	rest()
	err = cmp.Or(err, <-beats)
	m.leave(work)
	return err
}

// join makes the first beat, and the group if there is none.
func (m *member) join(ctx context.Context) (state es.GroupState, err error) {
	err = m.persistently(ctx, "joining the group", func() error {
		_, err := m.source.groups.Group(ctx, m.name)
		if errors.Is(err, es.ErrNotFound) {
			m.Start, err = m.begins(ctx)
		}
		if err == nil {
			state, err = m.source.groups.Beat(ctx, m.Membership)
		}
		return err
	})
	return state, err
}

// begins returns where a new group begins.
func (m *member) begins(ctx context.Context) (es.Position, error) {
	at, err := m.start(ctx, m.source.feed)
	if err != nil {
		return 0, err
	}
	head, err := m.source.feed.Head(ctx)
	if err == nil && at > head {
		err = &es.BeyondHeadError{Position: at, Head: head}
	}
	if err != nil {
		return at, err
	}
	lone, err := m.source.checkpoints.Checkpoint(ctx, m.name)
	if err == nil && lone > 0 && lone != at {
		err = fmt.Errorf("%w: there is a checkpoint at position %d: stop its subscription, and start the group with StartAt(After(%d))", ErrMixed, lone, lone)
	}
	return at, err
}

// beat gives signs of life, and makes the group's newest state known, until the context ends.
func (m *member) beat(ctx context.Context) error {
	tick := time.NewTicker(m.lease / beatsPerLease)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		asked := time.Since(m.begun)
		state, err := m.sign(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && lasting(err):
			return err
		case err != nil:
			m.status.failed(err)
			m.logger.Warn("esgen: a group's member could give no sign of life", "subscription", m.name, "error", err)
			continue
		}
		select {
		case <-m.states: // nobody has looked at it
		default:
		}
		m.states <- sighting{state, asked}
	}
}

// sign gives one sign of life. An answer that takes longer than a lease, over a connection that is lost without anybody noticing, is
// not waited for: the next one goes over another.
func (m *member) sign(ctx context.Context) (es.GroupState, error) {
	ctx, cancel := context.WithTimeout(ctx, m.lease)
	defer cancel()
	return m.source.groups.Beat(ctx, m.Membership)
}

// alive reports whether the others have heard of this member lately, and it has seen since that what it owns is its own.
func (m *member) alive() bool { return time.Since(m.begun)-time.Duration(m.fresh.Load()) < m.lease }

// share handles the member's share of the partitions until the context ends.
func (m *member) share(ctx, work context.Context, state es.GroupState) error {
	err := m.rebalance(work, state)
	for err == nil && ctx.Err() == nil {
		var changed *sighting
		changed, err = m.deliver(ctx, work)
		switch {
		case errors.Is(err, es.ErrFenced):
			err = m.overtaken(ctx, err)
		case err == nil && changed != nil:
			if err = m.rebalance(work, changed.GroupState); err == nil {
				m.fresh.Store(int64(changed.asked))
			}
		}
	}
	if stopped(ctx, err) {
		return nil
	}
	return err
}

// deliver delivers to the partitions that are furthest behind, until they have come to the others or the
// group calls for a change: then it returns the group's state.
func (m *member) deliver(ctx, work context.Context) (*sighting, error) {
	delivering, cancel := context.WithCancel(ctx)
	changes := make(chan *sighting, 1)
	go func() {
		defer cancel()
		changes <- m.await(delivering)
	}()
	d := m.next()
	var err error
	if d == nil { // it owns nothing yet
		m.status.standsBy()
		<-delivering.Done()
	} else {
		err = d.run(delivering, work)
	}
	cancel()
	changed := <-changes
	if d != nil {
		for _, c := range d.claims {
			p := m.held[c.Partition]
			p.Position = d.stored
			m.held[c.Partition] = p
		}
	}
	return changed, err
}

// await returns the first state of the group that calls for a change; nil when the context ends.
func (m *member) await(ctx context.Context) *sighting {
	for {
		select {
		case seen := <-m.states:
			m.watch.observe(time.Now(), m.Member, seen.GroupState)
			if m.wants(seen.GroupState) {
				return &seen
			}
			m.fresh.Store(int64(seen.asked))
		case <-ctx.Done():
			return nil
		}
	}
}

// overtaken finds out which partitions have another owner.
func (m *member) overtaken(ctx context.Context, refused error) error {
	m.logger.Info("esgen: a group's member was overtaken: what it has handled since its last record is handled again",
		"subscription", m.name, "error", refused)
	var state es.GroupState
	forgotten := false
	err := m.persistently(ctx, "reading the group", func() (err error) {
		state, err = m.source.groups.Group(ctx, m.name)
		if errors.Is(err, es.ErrNotFound) {
			forgotten, err = true, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if forgotten {
		return fmt.Errorf("the group was forgotten while it was at work: %w", es.ErrFenced)
	}
	m.vain++
	for _, p := range state.Partitions {
		if held, mine := m.held[p.Partition]; mine {
			if held != p {
				m.vain = 0
			}
			switch {
			case held.Epoch == p.Epoch:
				m.held[p.Partition] = p
			case held.Epoch > p.Epoch: // the group was forgotten, and made anew
				delete(m.held, p.Partition)
			}
		}
	}
	if m.vain > 1 { // nobody has overtaken it: the sink is wrong, or what is parked was seen to by others
		m.status.failed(refused)
		if err := sleep(ctx, storeBackoff.wait(m.vain)); err != nil {
			return err
		}
	}
	return m.rebalance(ctx, state)
}

// next is the delivery to the partitions that are furthest behind; nil if the member owns
// none.
func (m *member) next() *delivery {
	if len(m.held) == 0 {
		return nil
	}
	positions := make([]es.Position, 0, len(m.held))
	for _, p := range m.held {
		positions = append(positions, p.Position)
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	at := positions[0]
	d := &delivery{Subscription: m.Subscription, stored: at, at: at, hold: m.hold}
	if len(positions) > 1 {
		d.upTo = positions[1]
	}
	mine := make([]bool, m.Partitions)
	for _, p := range m.held {
		if p.Position == at {
			mine[p.Partition] = true
			d.claims = append(d.claims, p.Claim)
		}
	}
	d.mine = func(s es.Stream) bool { return mine[s.Partition(len(mine))] }
	return d
}

// hold lets no batch be handled while the others may think that this process is dead, as when it
// was paused.
func (m *member) hold(ctx context.Context) error {
	for !m.alive() {
		if err := sleep(ctx, m.lease/beatsPerLease/4); err != nil {
			return err
		}
	}
	return nil
}

// leave hands over what the member owns, at once.
func (m *member) leave(work context.Context) {
	ctx, cancel := afterwards(work)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, m.lease)
	defer stop()
	claims := make([]es.Claim, 0, len(m.held))
	for _, p := range m.held {
		claims = append(claims, p.Claim)
	}
	err := m.source.groups.Release(ctx, m.name, claims)
	if err == nil {
		err = m.source.groups.Leave(ctx, m.name, m.Member, 0)
	}
	if err != nil {
		m.logger.Warn("esgen: a member could not leave its group: the others find out", "subscription", m.name, "error", err)
	}
	m.status.owns(m.Member, nil)
}
