package memory

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/esgen-go/esgen/es"
)

// Head implements [es.Feed].
func (s *Store) Head(ctx context.Context) (es.Position, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the head of the feed: %w", err)
	}
	defer unlock()
	return s.head(), nil
}

// ReadAll implements [es.Feed].
func (s *Store) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return func(yield func(es.Recorded, error) bool) {
		fail := func(err error) {
			yield(es.Recorded{}, fmt.Errorf("reading the feed after position %d: %w", q.After, err))
		}
		if err := q.Validate(); err != nil {
			fail(err)
			return
		}
		scanned := func(p es.Position) {
			if q.Scanned != nil {
				*q.Scanned = p
			}
		}
		scanned(q.After)
		unlock, err := s.lock(ctx)
		if err != nil {
			fail(err)
			return
		}
		events, head := s.events, s.head()
		unlock()
		if q.After > head {
			fail(&es.BeyondHeadError{Position: q.After, Head: head})
			return
		}
		if q.UpTo > 0 {
			head = min(head, q.UpTo)
		}
		n := 0
		for p := q.After + 1; p <= head; p++ {
			if err := ctx.Err(); err != nil {
				fail(err)
				return
			}
			rec := events[p-1]
			if !matches(q.Categories, rec.Stream.Category) || !matches(q.Types, rec.Type) {
				continue
			}
			scanned(p)
			if !yield(clone(rec), nil) {
				return
			}
			if n++; n == q.Limit {
				return
			}
		}
		scanned(max(q.After, head))
	}
}

// matches reports whether a filter lets a name pass.
func matches(filter []string, name string) bool {
	return len(filter) == 0 || slices.Contains(filter, name)
}

// Checkpoint implements [es.Checkpoints].
func (s *Store) Checkpoint(ctx context.Context, name string) (es.Position, error) {
	if err := es.ValidateCheckpointName(name); err != nil {
		return 0, fmt.Errorf("reading checkpoint: %w", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading checkpoint %q: %w", name, err)
	}
	defer unlock()
	return s.checkpoints[name], nil // never beyond the head: memory is not restored
}

// SaveCheckpoint implements [es.Checkpoints].
func (s *Store) SaveCheckpoint(ctx context.Context, name string, p es.Position) error {
	if err := cmp.Or(es.ValidateCheckpointName(name), p.Validate()); err != nil {
		return fmt.Errorf("saving checkpoint %.80q: %w", name, err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("saving checkpoint %q: %w", name, err)
	}
	defer unlock()
	if head := s.head(); p > head {
		return fmt.Errorf("saving checkpoint %q: %w", name, &es.BeyondHeadError{Position: p, Head: head})
	}
	s.checkpoints[name] = p
	return nil
}

// Watch implements [es.Watcher].
func (s *Store) Watch(ctx context.Context) <-chan struct{} {
	signals := make(chan struct{}, 1)
	signal(signals)
	s.mu.Lock()
	s.watchers[signals] = struct{}{}
	s.mu.Unlock()
	go func() {
		select {
		case <-ctx.Done():
		case <-s.closed:
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, signals)
		close(signals)
	}()
	return signals
}

// signal wakes a watcher that is not yet woken.
func signal(watcher chan struct{}) {
	select {
	case watcher <- struct{}{}:
	default:
	}
}
