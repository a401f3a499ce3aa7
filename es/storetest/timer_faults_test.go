package storetest

import (
	"errors"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/es"
)

var timerFaults = []fault{
	{"Timers/Keep", "lists timers by their ids", func(b *broken, j *journal) {
		b.timers = func(ctx ctxt, name string, limit int) ([]es.Timer, error) {
			all, err := j.Timers(ctx, name, limit)
			slices.SortFunc(all, func(a, b es.Timer) int { return strings.Compare(a.ID, b.ID) })
			return all, err
		}
	}},
	{"Timers/AllOrNothing", "changes timers before it looks where the checkpoint is", func(b *broken, j *journal) {
		b.recordTimers = func(ctx ctxt, p es.Progress, name string, c es.TimerChanges) error {
			at, _ := j.Checkpoint(ctx, p.Name)
			if err := j.RecordTimers(ctx, es.Progress{Name: p.Name, From: at, To: at}, name, c); err != nil {
				return err
			}
			return j.Record(ctx, p)
		}
	}},
	{"Timers/ClearTimer", "clears a timer that was set to another time", func(b *broken, j *journal) {
		b.clearTimer = func(ctx ctxt, name string, t es.Timer) error {
			all, _ := j.Timers(ctx, name, 0)
			for _, now := range all {
				if now.ID == t.ID {
					t = now
				}
			}
			return j.ClearTimer(ctx, name, t)
		}
	}},
	{"Timers/Invalid", "takes timers without an id", func(b *broken, j *journal) {
		b.recordTimers = func(ctx ctxt, p es.Progress, name string, c es.TimerChanges) error {
			err := j.RecordTimers(ctx, p, name, c)
			if errors.Is(err, es.ErrInvalidName) && name == "a" {
				return nil
			}
			return err
		}
	}},
	{"Timers/AfterReopening", "clears timers while it is open", func(b *broken, j *journal) {
		gone := map[string]bool{}
		b.clearTimer = func(_ ctxt, _ string, t es.Timer) error {
			gone[t.ID] = true
			return nil
		}
		b.timers = func(ctx ctxt, name string, limit int) ([]es.Timer, error) {
			all, err := j.Timers(ctx, name, limit)
			return slices.DeleteFunc(all, func(t es.Timer) bool { return gone[t.ID] }), err
		}
	}},
}
