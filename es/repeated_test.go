package es_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// stored is what two streams hold: a has events 1 to 3 at versions 1 to 3, b has event 1 at version 5.
func stored(s es.Stream, id uuid.UUID) (es.Recorded, bool, error) {
	rec := es.Recorded{Event: event(id[15]), Stream: s}
	switch n := id[15]; {
	case s.ID == "a" && n <= 3:
		rec.Version, rec.Position = es.Version(n), es.Position(10*n)
	case s.ID == "b" && n == 1:
		rec.Version, rec.Position = 5, 99
	default:
		return es.Recorded{}, false, nil
	}
	return rec, true, nil
}

func TestARepeatReturnsTheOriginalReceipt(t *testing.T) {
	t.Parallel()
	a, b := es.Stream{Category: "c", ID: "a"}, es.Stream{Category: "c", ID: "b"}
	other := event(2)
	other.Meta.Actor = "another"
	for name, c := range map[string]struct {
		writes []es.Write
		want   []es.Written
	}{
		"all of a stream":        {[]es.Write{write("a", event(1), event(2), event(3))}, []es.Written{{Stream: a, First: 1, Last: 3, Position: 30}}},
		"the middle of a stream": {[]es.Write{write("a", event(2))}, []es.Written{{Stream: a, First: 2, Last: 2, Position: 20}}},
		"other metadata":         {[]es.Write{write("a", event(1), other)}, []es.Written{{Stream: a, First: 1, Last: 2, Position: 20}}},
		"several streams, as asked": {[]es.Write{write("b", event(1)), write("a", event(2), event(3))}, []es.Written{
			{Stream: b, First: 5, Last: 5, Position: 99}, {Stream: a, First: 2, Last: 3, Position: 30},
		}},
	} {
		receipt, repeated, err := es.Repeated(c.writes, stored)
		if err != nil || !repeated || !receipt.Duplicate || !reflect.DeepEqual(receipt.Streams, c.want) {
			t.Errorf("%s: %+v, %t, %v, want %+v", name, receipt, repeated, err, c.want)
		}
	}
}

func TestNewEventsAreNoRepeat(t *testing.T) {
	t.Parallel()
	for _, writes := range [][]es.Write{{write("a", event(4), event(5))}, {write("b", event(2)), write("d", event(1))}} {
		if receipt, repeated, err := es.Repeated(writes, stored); err != nil || repeated || receipt.Duplicate || receipt.Streams != nil {
			t.Errorf("%+v: %+v, %t, %v", writes, receipt, repeated, err)
		}
	}
}

func TestWhatIsNearlyARepeatIsRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(*es.Event)) es.Event {
		e := event(2)
		change(&e)
		return e
	}
	for name, c := range map[string]struct {
		writes  []es.Write
		id      byte
		version es.Version
	}{
		"a new event after":    {[]es.Write{write("a", event(2), event(4))}, 2, 2},
		"a new event before":   {[]es.Write{write("a", event(4), event(2))}, 2, 2},
		"a new stream after":   {[]es.Write{write("a", event(2)), write("d", event(1))}, 2, 2},
		"a new stream before":  {[]es.Write{write("d", event(1)), write("a", event(2))}, 2, 2},
		"another order":        {[]es.Write{write("a", event(2), event(1))}, 1, 1},
		"one left out":         {[]es.Write{write("a", event(1), event(3))}, 3, 3},
		"another type":         {[]es.Write{write("a", event(1), with(func(e *es.Event) { e.Type = "u" }))}, 2, 2},
		"another schema":       {[]es.Write{write("a", event(1), with(func(e *es.Event) { e.Schema = 2 }))}, 2, 2},
		"other data":           {[]es.Write{write("a", event(1), with(func(e *es.Event) { e.Data = []byte("[]") }))}, 2, 2},
		"data spelt otherwise": {[]es.Write{write("a", event(1), with(func(e *es.Event) { e.Data = []byte("{ }") }))}, 2, 2},
	} {
		_, repeated, err := es.Repeated(c.writes, stored)
		var got *es.IdempotencyError
		if repeated || !errors.As(err, &got) || !errors.Is(err, es.ErrIdempotency) {
			t.Errorf("%s: %t, %v, want an *IdempotencyError", name, repeated, err)
			continue
		}
		if got.Stream.ID != "a" || got.EventID != event(c.id).ID || got.Version != c.version || got.Reason == "" {
			t.Errorf("%s: %+v, want event %d at version %d", name, *got, c.id, c.version)
		}
	}
}

func TestRepeatedPassesOnTheStoresError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk")
	_, _, err := es.Repeated([]es.Write{write("a", event(1))}, func(es.Stream, uuid.UUID) (es.Recorded, bool, error) { return es.Recorded{}, false, broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want the store's", err)
	}
}
