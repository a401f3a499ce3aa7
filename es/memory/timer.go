package memory

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/esgen-go/esgen/es"
)

// RecordTimers implements [es.Timers].
func (s *Store) RecordTimers(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error {
	if err := cmp.Or(es.ValidateCheckpointName(name), c.Validate()); err != nil {
		return fmt.Errorf("recording the timers of %.80q: %w", name, err)
	}
	return s.record(ctx, p, func() {
		timers := s.timers[name]
		if timers == nil {
			timers = map[string]es.Timer{}
			s.timers[name] = timers
		}
		for _, t := range c.Set {
			t.Due, t.Data = t.Due.UTC().Truncate(time.Microsecond), bytes.Clone(t.Data)
			timers[t.ID] = t
		}
		for _, id := range c.Clear {
			delete(timers, id)
		}
	})
}

// Timers implements [es.Timers].
func (s *Store) Timers(ctx context.Context, name string, limit int) (all []es.Timer, err error) {
	unlock, err := s.lock(ctx)
	if err == nil {
		defer unlock()
		err = es.ValidateCheckpointName(name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the timers of %.80q: %w", name, err)
	}
	for _, t := range s.timers[name] {
		t.Data = bytes.Clone(t.Data)
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b es.Timer) int { return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.ID, b.ID)) })
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	return all, nil
}

// ClearTimer implements [es.Timers].
func (s *Store) ClearTimer(ctx context.Context, name string, t es.Timer) error {
	unlock, err := s.lock(ctx)
	if err == nil {
		defer unlock()
		err = cmp.Or(es.ValidateCheckpointName(name), es.TimerChanges{Set: []es.Timer{t}}.Validate())
	}
	if err != nil {
		return fmt.Errorf("clearing timer %.80q of %.80q: %w", t.ID, name, err)
	}
	if s.timers[name][t.ID].Due.Equal(t.Due.Truncate(time.Microsecond)) {
		delete(s.timers[name], t.ID)
	}
	return nil
}
