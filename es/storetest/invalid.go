package storetest

import (
	"errors"
	"fmt"
	"iter"
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
		Name:    "Invalid/Names",
		Promise: "A query or a snapshot with a name that can't exist is refused: a stream, a category or a stream to list after with es.ErrInvalidStream, a type with es.ErrInvalidType, a fingerprint with es.ErrInvalidName.",
		check:   invalidNames,
	},
	{
		Name:    "Invalid/Numbers",
		Promise: "A negative version, position or limit is refused with es.ErrNegative, also as a checkpoint. A feed read that is refused leaves Scanned as it is.",
		check:   invalidNumbers,
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

// asked is something that a store must refuse.
type asked struct {
	what string
	want error
	call func() error
}

// refuses fails the test where a call is not refused for its reason.
func (e *env) refuses(calls []asked) {
	e.Helper()
	for _, c := range calls {
		if err := c.call(); !errors.Is(err, c.want) {
			e.Errorf("%s: error %v, want one that is %q", c.what, err, c.want)
		} else {
			e.Logf("%s: %v", c.what, err)
		}
	}
}

// drained calls an iterator, which should yield an error alone.
func drained[V any](seq iter.Seq2[V, error]) func() error {
	return func() error {
		all, err := collect(seq)
		if len(all) > 0 {
			return fmt.Errorf("it yields %d values, and the error %v", len(all), err)
		}
		return err
	}
}

func (e *env) saving(s es.Snapshot) func() error {
	return func() error { return e.store.SaveSnapshot(e.ctx, s) }
}

func invalidNames(e *env) {
	a := stream("a")
	e.fill(a, 1)
	feed, hasFeed := es.Capability[es.Feed](e.store)
	list, hasList := es.Capability[es.Lister](e.store)
	var calls []asked
	add := func(what, name string, want error, call func() error) {
		calls = append(calls, asked{fmt.Sprintf("%s %.40q", what, name), want, call})
	}
	for _, s := range badStreams() {
		name := s.String()
		add("Read of stream", name, es.ErrInvalidStream, drained(e.store.Read(e.ctx, es.ReadQuery{Stream: s})))
		add("Load of stream", name, es.ErrInvalidStream, drained(e.store.Load(e.ctx, es.LoadQuery{Stream: s, Fingerprint: "f", Unless: es.NewID()})))
		add("SaveSnapshot of stream", name, es.ErrInvalidStream, e.saving(es.Snapshot{Stream: s, Version: 1, Fingerprint: "f", Data: []byte("{}")}))
		badCategory := es.ValidateCategory(s.Category) != nil
		if hasFeed && badCategory {
			add("ReadAll of category", s.Category, es.ErrInvalidStream, drained(feed.ReadAll(e.ctx, es.FeedQuery{Categories: []string{"storetest", s.Category}})))
		}
		if hasList && badCategory {
			add("Streams of category", s.Category, es.ErrInvalidStream, drained(list.Streams(e.ctx, es.ListQuery{Category: s.Category})))
		} else if hasList && s.ID != "" {
			add("Streams after", s.ID, es.ErrInvalidStream, drained(list.Streams(e.ctx, es.ListQuery{Category: s.Category, After: s.ID})))
		}
	}
	for _, name := range []string{"", strings.Repeat("n", 201), "a\x00b", "\xff"} {
		add("SaveSnapshot with fingerprint", name, es.ErrInvalidName, e.saving(es.Snapshot{Stream: a, Version: 1, Fingerprint: name, Data: []byte("{}")}))
		if name != "" {
			add("Load with fingerprint", name, es.ErrInvalidName, drained(e.store.Load(e.ctx, es.LoadQuery{Stream: a, Fingerprint: name})))
		}
	}
	for _, name := range []string{"", "was opened", "opened\x00", strings.Repeat("t", es.MaxTypeLen+1)} {
		if hasFeed {
			add("ReadAll of type", name, es.ErrInvalidType, drained(feed.ReadAll(e.ctx, es.FeedQuery{Types: []string{name}})))
		}
	}
	e.refuses(calls)
}

func invalidNumbers(e *env) {
	a := stream("a")
	e.fill(a, 3)
	calls := []asked{
		{"Read from version -1", es.ErrNegative, drained(e.store.Read(e.ctx, es.ReadQuery{Stream: a, From: -1}))},
		{"Read backwards from version -1", es.ErrNegative, drained(e.store.Read(e.ctx, es.ReadQuery{Stream: a, From: -1, Backwards: true}))},
		{"Read with limit -1", es.ErrNegative, drained(e.store.Read(e.ctx, es.ReadQuery{Stream: a, Limit: -1}))},
		{"Load up to version -1", es.ErrNegative, drained(e.store.Load(e.ctx, es.LoadQuery{Stream: a, UpTo: -1}))},
	}
	scanned := es.Position(77)
	if f, ok := es.Capability[es.Feed](e.store); ok {
		e.settled(f)
		calls = append(calls,
			asked{"ReadAll after position -1", es.ErrNegative, drained(f.ReadAll(e.ctx, es.FeedQuery{After: -1, Scanned: &scanned}))},
			asked{"ReadAll up to position -1", es.ErrNegative, drained(f.ReadAll(e.ctx, es.FeedQuery{UpTo: -1, Scanned: &scanned}))},
			asked{"ReadAll with limit -1", es.ErrNegative, drained(f.ReadAll(e.ctx, es.FeedQuery{Limit: -1, Scanned: &scanned}))})
	}
	if l, ok := es.Capability[es.Lister](e.store); ok {
		calls = append(calls, asked{"Streams with limit -1", es.ErrNegative, drained(l.Streams(e.ctx, es.ListQuery{Category: a.Category, Limit: -1}))})
	}
	c, ok := es.Capability[es.Checkpoints](e.store)
	if ok {
		calls = append(calls, asked{"SaveCheckpoint at position -1", es.ErrNegative, func() error { return c.SaveCheckpoint(e.ctx, "reader", -1) }})
	}
	e.refuses(calls)
	if scanned != 77 {
		e.Errorf("a ReadAll that was refused set Scanned to %d", scanned)
	}
	if ok {
		e.wantCheckpoint(c, "reader", 0)
	}
}
