package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

type parkedKey struct {
	name   string
	stream es.Stream
}

// group is a group of readers.
type group struct {
	partitions []es.Partition
	members    map[uuid.UUID]int64 // with their heartbeats
}

// Identity implements [es.Identified].
func (s *Store) Identity(ctx context.Context) (es.Identity, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return es.Identity{}, fmt.Errorf("reading the store's identity: %w", err)
	}
	defer unlock()
	return es.Identity{Store: s.id}, nil
}

// Record implements [es.Tracker].
func (s *Store) Record(ctx context.Context, p es.Progress) error {
	return s.record(ctx, p, func() {})
}

// record records progress, and what belongs to it.
func (s *Store) record(ctx context.Context, p es.Progress, with func()) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("recording progress of %.80q: %w", p.Name, err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("recording progress of %q: %w", p.Name, err)
	}
	defer unlock()
	if head := s.head(); p.To > head {
		return fmt.Errorf("recording progress of %q: %w", p.Name, &es.BeyondHeadError{Position: p.To, Head: head})
	}
	for _, tried := range p.Tried {
		now, ok := s.parked[parkedKey{p.Name, tried.Stream}]
		if !ok || now.Version != tried.Version || now.Attempts != tried.Attempts {
			return fmt.Errorf("recording progress of %q: %w", p.Name, &es.FencedError{Name: p.Name, Partition: -1, Stream: tried.Stream})
		}
	}
	if len(p.Claims) == 0 {
		if s.checkpoints[p.Name] != p.From {
			return fmt.Errorf("recording progress of %q: %w", p.Name, &es.FencedError{Name: p.Name, Partition: -1})
		}
		s.checkpoints[p.Name] = p.To
	} else {
		for _, c := range p.Claims {
			if at := s.partition(p.Name, c); at == nil || at.Position != p.From {
				return fmt.Errorf("recording progress of %q: %w", p.Name, &es.FencedError{Name: p.Name, Partition: c.Partition})
			}
		}
		for _, c := range p.Claims {
			s.partition(p.Name, c).Position = p.To
		}
	}
	for _, parked := range p.Park {
		parked.At = s.now()
		key := parkedKey{p.Name, parked.Stream}
		now := s.parked[key]
		if found := p.Found(parked.Stream); found != nil && now.Version == parked.Version && now.Verdict != found.Verdict {
			parked.Verdict = now.Verdict
		}
		s.parked[key] = parked
	}
	for _, stream := range p.Unpark {
		delete(s.parked, parkedKey{p.Name, stream})
	}
	with()
	return nil
}

// Parked implements [es.Parking].
func (s *Store) Parked(ctx context.Context, q es.ParkedQuery) ([]es.Parked, error) {
	if err := q.Validate(); err != nil {
		return nil, fmt.Errorf("reading what %.80q has parked: %w", q.Name, err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading what %q has parked: %w", q.Name, err)
	}
	defer unlock()
	var all []es.Parked
	for key, parked := range s.parked {
		if key.name == q.Name && compareStreams(key.stream, q.After) > 0 {
			all = append(all, parked)
		}
	}
	slices.SortFunc(all, func(a, b es.Parked) int { return compareStreams(a.Stream, b.Stream) })
	if q.Limit > 0 {
		all = all[:min(len(all), q.Limit)]
	}
	return all, nil
}

func compareStreams(a, b es.Stream) int {
	return cmp.Or(strings.Compare(a.Category, b.Category), strings.Compare(a.ID, b.ID))
}

// Decide implements [es.Parking].
func (s *Store) Decide(ctx context.Context, name string, stream es.Stream, v es.Version, verdict es.Verdict) error {
	err := cmp.Or(es.ValidateCheckpointName(name), stream.Validate(), es.ValidateVerdict(verdict))
	if err == nil {
		var unlock func()
		if unlock, err = s.lock(ctx); err == nil {
			defer unlock()
			key := parkedKey{name, stream}
			parked, ok := s.parked[key]
			if ok && parked.Version == v {
				parked.Verdict = verdict
				s.parked[key] = parked
				return nil
			}
			err = es.ErrNotParked
		}
	}
	return fmt.Errorf("deciding on version %d of %.120s, parked by %.80q: %w", v, stream.String(), name, err)
}

// partition returns a partition that still has the claim's epoch; nil if there is none.
func (s *Store) partition(name string, c es.Claim) *es.Partition {
	g := s.groups[name]
	if g == nil || c.Partition < 0 || c.Partition >= len(g.partitions) || g.partitions[c.Partition].Epoch != c.Epoch {
		return nil
	}
	return &g.partitions[c.Partition]
}

// Beat implements [es.Groups].
func (s *Store) Beat(ctx context.Context, m es.Membership) (es.GroupState, error) {
	if err := m.Validate(); err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %.80q: %w", m.Group, err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return es.GroupState{}, fmt.Errorf("joining group %q: %w", m.Group, err)
	}
	defer unlock()
	g := s.groups[m.Group]
	if g == nil {
		g = &group{partitions: make([]es.Partition, m.Partitions), members: map[uuid.UUID]int64{}}
		for i := range g.partitions {
			g.partitions[i].Partition, g.partitions[i].Position = i, m.Start
		}
		s.groups[m.Group] = g
	}
	if has := len(g.partitions); has != m.Partitions {
		return es.GroupState{}, &es.PartitionsError{Group: m.Group, Want: m.Partitions, Has: has}
	}
	g.members[m.Member]++
	return g.state(), nil
}

// Group implements [es.Groups].
func (s *Store) Group(ctx context.Context, name string) (es.GroupState, error) {
	err := es.ValidateCheckpointName(name)
	if err == nil {
		var unlock func()
		if unlock, err = s.lock(ctx); err == nil {
			defer unlock()
			if g := s.groups[name]; g != nil {
				return g.state(), nil
			}
			err = es.ErrNotFound
		}
	}
	return es.GroupState{}, fmt.Errorf("reading group %.80q: %w", name, err)
}

func (g *group) state() es.GroupState {
	state := es.GroupState{Partitions: slices.Clone(g.partitions)}
	for id, beat := range g.members {
		state.Members = append(state.Members, es.Member{ID: id, Beat: beat})
	}
	slices.SortFunc(state.Members, func(a, b es.Member) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return state
}

// Claim implements [es.Groups].
func (s *Store) Claim(ctx context.Context, name string, c es.Claim, member uuid.UUID) (es.Partition, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return es.Partition{}, fmt.Errorf("claiming partition %d of group %q: %w", c.Partition, name, err)
	}
	defer unlock()
	p := s.partition(name, c)
	if p == nil {
		return es.Partition{}, fmt.Errorf("claiming partition %d of group %q: %w", c.Partition, name, &es.FencedError{Name: name, Partition: c.Partition})
	}
	p.Epoch++
	p.Owner = member
	return *p, nil
}

// Release implements [es.Groups].
func (s *Store) Release(ctx context.Context, name string, claims []es.Claim) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("releasing partitions of group %q: %w", name, err)
	}
	defer unlock()
	for _, c := range claims {
		if p := s.partition(name, c); p != nil {
			p.Epoch++
			p.Owner = uuid.Nil
		}
	}
	return nil
}

// Leave implements [es.Groups].
func (s *Store) Leave(ctx context.Context, name string, member uuid.UUID, beat int64) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("leaving group %q: %w", name, err)
	}
	defer unlock()
	if g := s.groups[name]; g != nil && (beat == 0 || g.members[member] == beat) {
		delete(g.members, member)
	}
	return nil
}
