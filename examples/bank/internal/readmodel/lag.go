package readmodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/projection"
)

// Lag is how far a reader of the feed is behind.
type Lag struct {
	Name    string
	Version int // that serves; 0 for what has none
	Built   bool
	Behind  int64         // positions
	Age     time.Duration // of the first event that it has not handled
}

// String says it in a few words.
func (l Lag) String() string {
	name := l.Name
	if l.Version > 0 {
		name = fmt.Sprintf("%s (version %d)", l.Name, l.Version)
	}
	switch {
	case !l.Built:
		return name + ": has never run"
	case l.Behind == 0:
		return name + ": up to date"
	default:
		return fmt.Sprintf("%s: %d behind, %s", name, l.Behind, l.Age.Round(time.Millisecond))
	}
}

// Lags tells how far the read models and the process manager of a store are behind, whichever process runs
// them.
func Lags(ctx context.Context, store es.Store, process string, models ...Model) ([]Lag, error) {
	feed, _ := es.Capability[es.Feed](store)
	checkpoints, _ := es.Capability[es.Checkpoints](store)
	groups, ok := es.Capability[es.Groups](store)
	if feed == nil || checkpoints == nil || !ok {
		return nil, fmt.Errorf("the store (%T) can't tell how far its readers are", store)
	}
	var lags []Lag
	add := func(l Lag, at es.Position) error {
		head, err := feed.Head(ctx)
		if err != nil {
			return err
		}
		if l.Behind = int64(max(0, head-at)); l.Built && l.Behind > 0 {
			for rec, err := range feed.ReadAll(ctx, es.FeedQuery{After: at, Limit: 1}) {
				if err != nil {
					return err
				}
				l.Age = max(0, time.Since(rec.RecordedAt))
			}
		}
		lags = append(lags, l)
		return nil
	}
	for _, m := range models {
		versions, err := m.Versions(ctx)
		if err != nil {
			return nil, err
		}
		var at es.Position
		if versions.Serving > 0 {
			if at, err = checkpoints.Checkpoint(ctx, projection.CheckpointName(m.Name(), versions.Serving)); err != nil {
				return nil, err
			}
		}
		if err := add(Lag{Name: m.Name(), Version: versions.Serving, Built: versions.Serving > 0}, at); err != nil {
			return nil, err
		}
	}
	state, err := groups.Group(ctx, process)
	if errors.Is(err, es.ErrNotFound) {
		return lags, add(Lag{Name: process}, 0)
	}
	if err != nil {
		return nil, err
	}
	at := state.Partitions[0].Position
	for _, p := range state.Partitions {
		at = min(at, p.Position)
	}
	err = add(Lag{Name: process, Built: true}, at)
	return lags, err
}
