package storetest

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/esgen-go/esgen/es"
)

var timerClauses = []Clause{
	{
		Name:    "Timers/Keep",
		Promise: "Timers are listed by their name, in the order of their due times and then the bytes of their ids, up to a limit, in UTC with microseconds, and with every byte of their data. Setting one again replaces it; clearing one that is not set is no error.",
		check:   timersKeep,
	},
	{
		Name:    "Timers/AllOrNothing",
		Promise: "Changes that come with progress which is refused are not made; with progress that is recorded all of them are.",
		check:   timersAllOrNothing,
	},
	{
		Name:    "Timers/ClearTimer",
		Promise: "A timer is cleared if it is due when it was, and left if it was set to another time since.",
		check:   timersClear,
	},
	{
		Name:    "Timers/Invalid",
		Promise: "A bad name, an empty or too long id, and a due time before 1970 are refused with es.ErrInvalidName, and nothing is recorded.",
		check:   timersInvalid,
	},
	{
		Name:    "Timers/AfterReopening",
		Promise: "Timers are there after the store was closed and opened again.",
		check:   timersAfterReopening,
	},
}

// noon is when the suite's timers are due, or some microseconds later.
var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

func timer(id string, micros int64) es.Timer {
	return es.Timer{ID: id, Due: noon.Add(time.Duration(micros) * time.Microsecond), Data: []byte(id + "\x00\xff")}
}

// setTimers records progress that stays where it is, with changes to timers.
func (e *env) setTimers(s es.Timers, name string, c es.TimerChanges) {
	e.Helper()
	if err := s.RecordTimers(e.ctx, es.Progress{Name: "timed"}, name, c); err != nil {
		e.Fatalf("RecordTimers(%q, %+v): %v", name, c, err)
	}
}

func (e *env) wantTimers(s es.Timers, name string, limit int, want ...es.Timer) {
	e.Helper()
	got, err := s.Timers(e.ctx, name, limit)
	same := slices.EqualFunc(got, want, func(a, b es.Timer) bool {
		return a.ID == b.ID && a.Due.Equal(b.Due) && a.Due.Location() == time.UTC && bytes.Equal(a.Data, b.Data)
	})
	if err != nil || !same {
		e.Fatalf("Timers(%q, %d): %+v, %v, want %+v", name, limit, got, err, want)
	}
}

func timersKeep(e *env) {
	s := capability[es.Timers](e, e.store)
	a, b, upper, later := timer("a", 1), timer("b", 1), timer("B", 1), timer("0", 2)
	first := timer("z", 0)
	first.Due = first.Due.In(time.FixedZone("east", 3600)) // comes back in UTC
	e.setTimers(s, "n", es.TimerChanges{Set: []es.Timer{later, b, a, upper, first}, Clear: []string{"none"}})
	e.setTimers(s, "other", es.TimerChanges{Set: []es.Timer{timer("a", 9)}})
	want := []es.Timer{timer("z", 0), upper, a, b, later}
	for limit := range len(want) + 2 {
		n := min(limit, len(want))
		if limit == 0 {
			n = len(want)
		}
		e.wantTimers(s, "n", limit, want[:n]...)
	}
	again := es.Timer{ID: "a", Due: noon.Add(time.Hour)} // without data
	e.setTimers(s, "n", es.TimerChanges{Set: []es.Timer{again}, Clear: []string{"z", "B", "b"}})
	e.wantTimers(s, "n", 0, later, again)
	e.wantTimers(s, "other", 0, timer("a", 9))
	e.wantTimers(s, "none", 0)
}

func timersAllOrNothing(e *env) {
	s := capability[es.Timers](e, e.store)
	at := e.positions(2)
	if err := s.RecordTimers(e.ctx, es.Progress{Name: "timed", To: at[0]}, "n", es.TimerChanges{Set: []es.Timer{timer("a", 1)}}); err != nil {
		e.Fatalf("RecordTimers: %v", err)
	}
	e.wantCheckpoint(s, "timed", at[0])
	err := s.RecordTimers(e.ctx, es.Progress{Name: "timed", To: at[1]}, "n", es.TimerChanges{Set: []es.Timer{timer("b", 1)}, Clear: []string{"a"}})
	if !errors.Is(err, es.ErrFenced) {
		e.Fatalf("RecordTimers with progress from where the checkpoint is not: %v, want es.ErrFenced", err)
	}
	e.wantTimers(s, "n", 0, timer("a", 1))
	e.wantCheckpoint(s, "timed", at[0])
}

func timersClear(e *env) {
	s := capability[es.Timers](e, e.store)
	e.setTimers(s, "n", es.TimerChanges{Set: []es.Timer{timer("a", 1), timer("b", 1)}})
	e.setTimers(s, "n", es.TimerChanges{Set: []es.Timer{timer("a", 2)}})
	for _, id := range []string{"a", "b", "none"} {
		if err := s.ClearTimer(e.ctx, "n", timer(id, 1)); err != nil {
			e.Fatalf("ClearTimer(%q): %v", id, err)
		}
	}
	e.wantTimers(s, "n", 0, timer("a", 2))
}

func timersInvalid(e *env) {
	s := capability[es.Timers](e, e.store)
	at := e.positions(1)
	long := string(bytes.Repeat([]byte("x"), es.MaxTimerIDLen+1))
	for name, c := range map[string]es.TimerChanges{
		"":  {},
		"a": {Set: []es.Timer{timer("", 1)}},
		"b": {Set: []es.Timer{timer(long, 1)}},
		"c": {Set: []es.Timer{{ID: "a"}}},
		"d": {Clear: []string{long}},
	} {
		if err := s.RecordTimers(e.ctx, es.Progress{Name: "timed", To: at[0]}, name, c); !errors.Is(err, es.ErrInvalidName) {
			e.Fatalf("RecordTimers(%q, %.80q): %v, want es.ErrInvalidName", name, c, err)
		}
	}
	e.wantCheckpoint(s, "timed", 0)
}

func timersAfterReopening(e *env) {
	e.setTimers(capability[es.Timers](e, e.store), "n", es.TimerChanges{Set: []es.Timer{timer("a", 1), timer("b", 2)}})
	e.reopen()
	s := capability[es.Timers](e, e.store)
	if err := s.ClearTimer(e.ctx, "n", timer("a", 1)); err != nil {
		e.Fatalf("ClearTimer: %v", err)
	}
	e.reopen()
	e.wantTimers(capability[es.Timers](e, e.store), "n", 0, timer("b", 2))
}
