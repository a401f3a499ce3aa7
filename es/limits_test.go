package es_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var small = es.Limits{EventBytes: 10, MetadataBytes: 10, Events: 3, Streams: 2}

func event(id byte) es.Event {
	return es.Event{ID: uuid.UUID{15: id}, Type: "t", Schema: 1, Data: []byte("{}")}
}

func write(id string, events ...es.Event) es.Write {
	return es.Write{Stream: es.Stream{Category: "c", ID: id}, Expect: es.Any, Events: events}
}

func TestWritesUpToTheLimitsAreTaken(t *testing.T) {
	t.Parallel()
	full := event(1)
	full.Data = []byte(`"12345678"`)
	full.Meta = es.Metadata{Actor: "12345", Tenant: "6", Keys: map[string]string{"78": "90"}}
	for _, writes := range [][]es.Write{
		{write("a", event(1))},
		{write("a", full, event(2), event(3))},
		{write("a", full, event(2)), write("b", full)}, // an id identifies an event within its stream
	} {
		if err := small.ValidateWrites(writes); err != nil {
			t.Errorf("%d writes: %v", len(writes), err)
		}
	}
}

func TestBadWritesAreRefusedByName(t *testing.T) {
	t.Parallel()
	spoilt := func(spoil func(*es.Event)) []es.Write {
		bad := event(2)
		spoil(&bad)
		return []es.Write{write("ok", event(1)), write("a", event(1), bad)}
	}
	a := es.Stream{Category: "c", ID: "a"}
	for name, c := range map[string]struct {
		writes []es.Write
		want   es.InvalidError // id and type are those of the event at Index
	}{
		"no writes":           {nil, es.InvalidError{Index: -1, Err: es.ErrNoEvents}},
		"too many streams":    {[]es.Write{write("a", event(1)), write("b", event(1)), write("d", event(1))}, es.InvalidError{Index: -1, Err: es.ErrTooLarge}},
		"too many events":     {[]es.Write{write("b", event(1), event(2)), write("a", event(1), event(2))}, es.InvalidError{Stream: a, Index: -1, Err: es.ErrTooLarge}},
		"a stream twice":      {[]es.Write{write("a", event(1)), write("a", event(2))}, es.InvalidError{Stream: a, Index: -1, Err: es.ErrDuplicateStream}},
		"a bad stream":        {[]es.Write{write("", event(1))}, es.InvalidError{Stream: es.Stream{Category: "c"}, Index: -1, Err: es.ErrInvalidStream}},
		"no expectation":      {[]es.Write{{Stream: a, Events: []es.Event{event(1)}}}, es.InvalidError{Stream: a, Index: -1, Err: es.ErrNoExpectation}},
		"no events":           {[]es.Write{write("b", event(1)), write("a")}, es.InvalidError{Stream: a, Index: -1, Err: es.ErrNoEvents}},
		"a nil id":            {spoilt(func(e *es.Event) { e.ID = uuid.Nil }), es.InvalidError{Stream: a, Index: 1, Field: "ID", Err: es.ErrNilID}},
		"an id twice":         {spoilt(func(e *es.Event) { e.ID = event(1).ID }), es.InvalidError{Stream: a, Index: 1, Field: "ID", Err: es.ErrDuplicateID}},
		"no type":             {spoilt(func(e *es.Event) { e.Type = "" }), es.InvalidError{Stream: a, Index: 1, Field: "Type", Err: es.ErrInvalidType}},
		"a long type":         {spoilt(func(e *es.Event) { e.Type = strings.Repeat("t", 201) }), es.InvalidError{Stream: a, Index: 1, Field: "Type", Err: es.ErrInvalidType}},
		"a type with a space": {spoilt(func(e *es.Event) { e.Type = "a b" }), es.InvalidError{Stream: a, Index: 1, Field: "Type", Err: es.ErrInvalidType}},
		"schema version 0":    {spoilt(func(e *es.Event) { e.Schema = 0 }), es.InvalidError{Stream: a, Index: 1, Field: "Schema", Err: es.ErrInvalidSchema}},
		"schema version 2^31": {spoilt(func(e *es.Event) { e.Schema = 1 << 31 }), es.InvalidError{Stream: a, Index: 1, Field: "Schema", Err: es.ErrInvalidSchema}},
		"no data":             {spoilt(func(e *es.Event) { e.Data = nil }), es.InvalidError{Stream: a, Index: 1, Field: "Data", Err: es.ErrInvalidData}},
		"data not JSON":       {spoilt(func(e *es.Event) { e.Data = []byte("{") }), es.InvalidError{Stream: a, Index: 1, Field: "Data", Err: es.ErrInvalidData}},
		"data not UTF-8":      {spoilt(func(e *es.Event) { e.Data = []byte("\"\xff\"") }), es.InvalidError{Stream: a, Index: 1, Field: "Data", Err: es.ErrInvalidData}},
		"large data":          {spoilt(func(e *es.Event) { e.Data = []byte(`"123456789"`) }), es.InvalidError{Stream: a, Index: 1, Field: "Data", Err: es.ErrTooLarge}},
		"large metadata":      {spoilt(func(e *es.Event) { e.Meta.Keys = map[string]string{"12345": "678901"} }), es.InvalidError{Stream: a, Index: 1, Field: "Meta", Err: es.ErrTooLarge}},
		"metadata not UTF-8":  {spoilt(func(e *es.Event) { e.Meta.Keys = map[string]string{"\xff": ""} }), es.InvalidError{Stream: a, Index: 1, Field: "Meta", Err: es.ErrInvalidMetadata}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			if want.Index >= 0 {
				bad := c.writes[1].Events[want.Index]
				want.EventID, want.Type = bad.ID, bad.Type
			}
			err := small.ValidateWrites(c.writes)
			var got *es.InvalidError
			if !errors.As(err, &got) || !errors.Is(err, want.Err) {
				t.Fatalf("ValidateWrites: %v, want an *InvalidError that is %q", err, want.Err)
			}
			if got.Stream != want.Stream || got.Index != want.Index || got.EventID != want.EventID || got.Type != want.Type || got.Field != want.Field {
				t.Errorf("ValidateWrites: %+v, want %+v", *got, want)
			}
			if text := err.Error(); !strings.HasPrefix(text, "append") || want.Field != "" && !strings.Contains(text, "field "+want.Field) {
				t.Errorf("the error does not begin with what was attempted, or names no field: %s", text)
			}
		})
	}
}

func TestCheckpointNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"x": true, strings.Repeat("é", 100): true, "a b/ü\n": true, "": false, strings.Repeat("é", 101): false, "a\x00": false, "\xff": false} {
		if err := es.ValidateCheckpointName(name); ok != (err == nil) || err != nil && !errors.Is(err, es.ErrInvalidName) {
			t.Errorf("ValidateCheckpointName(%.20q) = %v, want it taken: %t", name, err, ok)
		}
	}
}
