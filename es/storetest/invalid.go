package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var invalidClauses = []Clause{
	{
		Name:    "Invalid/Table",
		Promise: "Bad input is refused with a *InvalidError that names stream, event and field and is the right reason; nothing is written, not even of the append's good writes.",
		check:   invalidTable,
	},
	{
		Name:    "Invalid/ReadersDontPanic",
		Promise: "A stream name that can't exist is a missing stream to readers, and no SaveSnapshot takes it. Nothing panics.",
		check:   invalidReaders,
	},
}

func invalidTable(e *env) {
	a := stream("a")
	stored := e.fill(a, 1)
	limits := e.store.Limits()
	good := func() es.Write { return write(stream("good"), es.Any, e.event()) }

	// whole: the append as such is refused.
	whole := []struct {
		name   string
		writes []es.Write
		want   es.InvalidError
	}{
		{"no writes", nil, es.InvalidError{Err: es.ErrNoEvents}},
		{"no events", []es.Write{write(a, es.Any)}, es.InvalidError{Stream: a, Err: es.ErrNoEvents}},
		{"no events in the second write", []es.Write{good(), write(a, es.Any)}, es.InvalidError{Stream: a, Err: es.ErrNoEvents}},
		{"no expectation", []es.Write{good(), write(a, es.Expected{}, e.event())}, es.InvalidError{Stream: a, Err: es.ErrNoExpectation}},
		{"no expectation, though repeated", []es.Write{write(a, es.Expected{}, stored...)}, es.InvalidError{Stream: a, Err: es.ErrNoExpectation}},
		{"a negative version", []es.Write{write(a, es.Exactly(-1), e.event())}, es.InvalidError{Stream: a, Err: es.ErrNoExpectation}},
		{"a stream twice", []es.Write{good(), write(a, es.Any, e.event()), write(a, es.Any, e.event())}, es.InvalidError{Stream: a, Err: es.ErrDuplicateStream}},
	}
	if limits.Events <= 10_000 {
		writes := []es.Write{good(), write(a, es.Any, e.events(limits.Events)...)}
		if limits.Streams < 2 {
			writes = []es.Write{write(a, es.Any, e.events(limits.Events+1)...)}
		}
		whole = append(whole, struct {
			name   string
			writes []es.Write
			want   es.InvalidError
		}{"one event too many", writes, es.InvalidError{Stream: a, Err: es.ErrTooLarge}})
	}
	if limits.Streams <= 10_000 {
		var writes []es.Write
		for i := range limits.Streams + 1 {
			writes = append(writes, write(stream(fmt.Sprint("of-many-", i)), es.Any, e.event()))
		}
		whole = append(whole, struct {
			name   string
			writes []es.Write
			want   es.InvalidError
		}{"one stream too many", writes, es.InvalidError{Err: es.ErrTooLarge}})
	}
	for _, s := range badStreams() {
		whole = append(whole, struct {
			name   string
			writes []es.Write
			want   es.InvalidError
		}{fmt.Sprintf("stream %.20q %.20q", s.Category, s.ID), []es.Write{good(), write(s, es.Any, e.event())}, es.InvalidError{Stream: s, Err: es.ErrInvalidStream}})
	}
	before := e.content(e.store, a, stream("good"))
	for _, c := range whole {
		_, err := e.store.Append(e.ctx, c.writes...)
		c.want.Index = -1
		e.Logf("%s: %v", c.name, err)
		e.wantInvalid(err, c.want)
		e.unchanged("an append with "+c.name, before)
	}

	// Each bad event comes second, after a good one.
	for _, c := range []struct {
		name  string
		field string
		want  error
		spoil func(good es.Event, ev *es.Event)
	}{
		{"a nil id", "ID", es.ErrNilID, func(_ es.Event, ev *es.Event) { ev.ID = uuid.Nil }},
		{"an id twice", "ID", es.ErrDuplicateID, func(good es.Event, ev *es.Event) { ev.ID = good.ID }},
		{"no type", "Type", es.ErrInvalidType, func(_ es.Event, ev *es.Event) { ev.Type = "" }},
		{"a type too long", "Type", es.ErrInvalidType, func(_ es.Event, ev *es.Event) { ev.Type = strings.Repeat("t", es.MaxTypeLen+1) }},
		{"a type with a space", "Type", es.ErrInvalidType, func(_ es.Event, ev *es.Event) { ev.Type = "was opened" }},
		{"a type with U+0000", "Type", es.ErrInvalidType, func(_ es.Event, ev *es.Event) { ev.Type = "opened\x00" }},
		{"a type beyond ASCII", "Type", es.ErrInvalidType, func(_ es.Event, ev *es.Event) { ev.Type = "eröffnet" }},
		{"schema version 0", "Schema", es.ErrInvalidSchema, func(_ es.Event, ev *es.Event) { ev.Schema = 0 }},
		{"a negative schema version", "Schema", es.ErrInvalidSchema, func(_ es.Event, ev *es.Event) { ev.Schema = -1 }},
		{"a schema version too large", "Schema", es.ErrInvalidSchema, func(_ es.Event, ev *es.Event) { ev.Schema = 1 << 31 }},
		{"no data", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = nil }},
		{"blank data", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = []byte(" ") }},
		{"data that are not JSON", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = []byte("{'a':1}") }},
		{"two JSON texts", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = []byte("{}{}") }},
		{"data that are not UTF-8", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = []byte("\"\xff\"") }},
		{"data with a raw U+0000", "Data", es.ErrInvalidData, func(_ es.Event, ev *es.Event) { ev.Data = []byte("\"\x00\"") }},
		{"an actor that is not UTF-8", "Meta", es.ErrInvalidMetadata, func(_ es.Event, ev *es.Event) { ev.Meta.Actor = "\xff" }},
		{"a key that is not UTF-8", "Meta", es.ErrInvalidMetadata, func(_ es.Event, ev *es.Event) { ev.Meta.Keys = map[string]string{"\xc3": ""} }},
		{"a value that is not UTF-8", "Meta", es.ErrInvalidMetadata, func(_ es.Event, ev *es.Event) { ev.Meta.Keys = map[string]string{"k": "\xed\xa0\x80"} }},
		{"metadata too large", "Meta", es.ErrTooLarge, func(_ es.Event, ev *es.Event) { ev.Meta.Tenant = strings.Repeat("x", limits.MetadataBytes+1) }},
	} {
		ok, bad := e.event(), e.event()
		c.spoil(ok, &bad)
		_, err := e.store.Append(e.ctx, good(), write(a, es.Any, ok, bad))
		e.Logf("%s: %v", c.name, err)
		e.wantInvalid(err, es.InvalidError{Stream: a, Index: 1, EventID: bad.ID, Type: bad.Type, Field: c.field, Err: c.want})
		e.unchanged("an append with "+c.name, before)
	}
}

func badStreams() []es.Stream {
	return []es.Stream{
		{}, {Category: "a"}, {ID: "a"}, {Category: "A", ID: "a"}, {Category: "a-b", ID: "a"}, {Category: "a b", ID: "a"}, {Category: "ä", ID: "a"},
		{Category: strings.Repeat("a", es.MaxCategoryLen+1), ID: "a"}, {Category: "a", ID: strings.Repeat("a", es.MaxStreamIDLen+1)},
		{Category: "a", ID: "a b"}, {Category: "a", ID: "a\x00"}, {Category: "a", ID: "ä"}, {Category: "a", ID: "a/b"}, {Category: "a", ID: "*"}, {Category: "a", ID: "\xff"},
		{Category: "a", ID: "a.b"}, {Category: "a", ID: "%"}, {Category: "a", ID: "a\n"},
	}
}

func invalidReaders(e *env) {
	e.fill(stream("a"), 1)
	for _, s := range badStreams() {
		if _, err := collect(e.store.Read(e.ctx, es.ReadQuery{Stream: s})); !errors.Is(err, es.ErrNotFound) && !errors.Is(err, es.ErrInvalidStream) {
			e.Errorf("Read of stream %.20q %.20q: error %v, want es.ErrNotFound or es.ErrInvalidStream", s.Category, s.ID, err)
		}
		if rows, err := load(e.ctx, e.store, es.LoadQuery{Stream: s, Fingerprint: "f", Unless: es.NewID()}); len(rows) > 0 || err != nil && !errors.Is(err, es.ErrInvalidStream) {
			e.Errorf("Load of stream %.20q %.20q: %d rows, %v, want none, or es.ErrInvalidStream", s.Category, s.ID, len(rows), err)
		}
		err := e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: s, Version: 1, Fingerprint: "f", Data: []byte("{}")})
		if !errors.Is(err, es.ErrNotFound) && !errors.Is(err, es.ErrInvalidStream) {
			e.Errorf("SaveSnapshot of stream %.20q %.20q: error %v, want es.ErrNotFound or es.ErrInvalidStream", s.Category, s.ID, err)
		}
		if l, ok := es.Capability[es.Lister](e.store); ok && es.ValidateCategory(s.Category) != nil {
			if infos, err := collect(l.Streams(context.WithoutCancel(e.ctx), es.ListQuery{Category: s.Category})); len(infos) > 0 || err != nil && !errors.Is(err, es.ErrInvalidStream) {
				e.Errorf("Streams of category %.20q: %d streams, %v, want none, or es.ErrInvalidStream", s.Category, len(infos), err)
			}
		}
	}
}
