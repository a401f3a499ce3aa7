package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/es"
)

// Readers implements [es.Readers].
func (s *Store) Readers(ctx context.Context) ([]es.Reader, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the readers: %w", err)
	}
	defer unlock()
	parked := map[string]int{}
	for key := range s.parked {
		parked[key.name]++
	}
	var all []es.Reader
	for name, at := range s.checkpoints {
		all = append(all, es.Reader{Name: name, Position: at, Parked: parked[name]})
	}
	for name, g := range s.groups {
		r := es.Reader{Name: name, Partitions: len(g.partitions), Position: g.partitions[0].Position, Members: len(g.members), Parked: parked[name]}
		for _, p := range g.partitions {
			r.Position = min(r.Position, p.Position)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b es.Reader) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Partitions, b.Partitions))
	})
	return all, nil
}

// Forget implements [es.Readers].
func (s *Store) Forget(ctx context.Context, name string) error {
	err := es.ValidateCheckpointName(name)
	if err == nil {
		var unlock func()
		if unlock, err = s.lock(ctx); err == nil {
			defer unlock()
			err = s.forget(name)
		}
	}
	if err != nil {
		return fmt.Errorf("forgetting reader %.80q: %w", name, err)
	}
	return nil
}

func (s *Store) forget(name string) error {
	_, found := s.checkpoints[name]
	g := s.groups[name]
	if g != nil && len(g.members) > 0 {
		return fmt.Errorf("the group has %d members: %w", len(g.members), es.ErrInUse)
	}
	before := len(s.parked)
	maps.DeleteFunc(s.parked, func(key parkedKey, _ es.Parked) bool { return key.name == name })
	if !found && g == nil && len(s.parked) == before {
		return es.ErrNotFound
	}
	delete(s.checkpoints, name)
	delete(s.groups, name)
	return nil
}
