package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var payloadClauses = []Clause{
	{
		Name: "Payload/Data",
		Promise: "Data come back byte for byte, by every way of reading and after reopening: escapes (U+0000 too), text beyond the basic plane, numbers at their limits " +
			"and as they were spelt, spaces, the order of keys, keys that occur twice, bare values, empty objects.",
		check: payloadData,
	},
	{
		Name:    "Payload/Size",
		Promise: "Data of 1 MiB and of exactly Limits().EventBytes come back; one byte more is refused by name and nothing is written.",
		check:   payloadSize,
	},
	{
		Name:    "Payload/Metadata",
		Promise: "Metadata come back as they were: any UTF-8, U+0000 included, in fixed fields, keys and values; empty keys and values, long ones; up to exactly Limits().MetadataBytes, and no more.",
		check:   payloadMetadata,
	},
	{
		Name:    "Payload/Identity",
		Promise: "Any id but the nil one, any type name and schema version within their bounds come back as they were.",
		check:   payloadIdentity,
	},
}

// payloads are JSON texts that some engine, driver or encoder rewrites, cuts or refuses.
func payloads() []string {
	return []string{
		`{}`, `[]`, `null`, `true`, `0`, `-0`, `""`, `" "`,
		`{"max":9223372036854775807,"min":-9223372036854775808,"umax":18446744073709551615}`,
		`{"beyond":123456789012345678901234567890,"f":0.1,"g":1e400,"h":1E+2,"i":1.0,"j":1.10,"k":-0.0,"l":2.2250738585072014e-308}`,
		`{"nul":"\u0000","between":"a\u0000b","key\u0000":1}`,
		`{"escapes":"\"\\\/\b\f\n\r\t\u001f\u007f\u2028","A":"\u0041"}`,
		`{"clef":"𝄞","family":"👩‍👩‍👧‍👦","escaped":"\ud834\udd1e","lone":"\ud800"}`,
		"{\"raw\":\"\u007f\u0080\ufeff\ufffd\ufffe\uffff\U0010ffff\"}",
		"{\"nfc\":\"\u00e9\",\"nfd\":\"e\u0301\"}",
		`{"z":1,"a":2,"m":3,"a":4}`,
		"  {\n\t\"a\" : [ 1 ,2,  3 ]\r\n}\n ",
		`{"":"","sql":"'; DROP TABLE events; --","percent":"%s %d %","q":"?1 $1 :a @b"}`,
		`{"html":"<script>&amp;</script>"}`,
		strings.Repeat("[", 500) + strings.Repeat("]", 500),
		`"` + strings.Repeat("\\u0000", 2000) + `"`,
	}
}

// eachWay reads one event's stream in every way that there is.
func (e *env) eachWay(s es.Stream, n int, compare func(way string, i int, got es.Recorded)) {
	e.Helper()
	recs := e.read(e.store, es.ReadQuery{Stream: s})
	back := e.read(e.store, es.ReadQuery{Stream: s, Backwards: true})
	slices.Reverse(back)
	feed := slices.DeleteFunc(e.feed(e.store), func(rec es.Recorded) bool { return rec.Stream != s })
	ways := map[string][]es.Recorded{"Read": recs, "Read backwards": back}
	if feed != nil {
		ways["ReadAll"] = feed
	}
	for way, got := range ways {
		if len(got) != n {
			e.Fatalf("%s of %s: %d events, want %d", way, s, len(got), n)
		}
		for i, rec := range got {
			compare(way, i, rec)
		}
	}
	rows := e.load(e.store, es.LoadQuery{Stream: s})
	if len(rows) != n {
		e.Fatalf("Load of %s: %d rows, want %d", s, len(rows), n)
	}
	for i, row := range rows {
		rec := recs[i]
		rec.Type, rec.Schema, rec.Data, rec.Version = row.Type, row.Schema, row.Data, row.Version
		compare("Load", i, rec)
	}
}

func payloadData(e *env) {
	a := stream("a")
	var events []es.Event
	for _, data := range payloads() {
		ev := e.event()
		ev.Data = []byte(data)
		events = append(events, ev)
	}
	// One by one, and all together.
	for _, ev := range events {
		e.append(e.store, write(a, es.Any, ev))
	}
	e.append(e.store, write(stream("b"), es.NoStream, events...))
	check := func() {
		e.Helper()
		for _, s := range []es.Stream{a, stream("b")} {
			e.eachWay(s, len(events), func(way string, i int, got es.Recorded) {
				if !bytes.Equal(got.Data, events[i].Data) {
					e.Errorf("%s: data %q came back as %q", way, events[i].Data, got.Data)
				}
			})
		}
	}
	check()
	if e.harness.Place != nil {
		e.reopen()
		check()
	}
}

func payloadSize(e *env) {
	limit := e.store.Limits().EventBytes
	text := func(n int) []byte {
		data := bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]
		data[0], data[n-1] = '"', '"'
		return data
	}
	a := stream("a")
	var events []es.Event
	for _, n := range []int{2, 1<<16 - 1, 1 << 16, 1 << 20, limit} {
		ev := e.event()
		ev.Data = text(n)
		events = append(events, ev)
		e.append(e.store, write(a, es.Any, ev))
	}
	e.eachWay(a, len(events), func(way string, i int, got es.Recorded) {
		if !bytes.Equal(got.Data, events[i].Data) {
			e.Errorf("%s: %d bytes of data came back as %d, or changed", way, len(events[i].Data), len(got.Data))
		}
	})
	large := e.event()
	large.Data = text(limit + 1)
	_, err := e.store.Append(e.ctx, write(a, es.Any, e.event(), large))
	e.wantInvalid(err, es.InvalidError{Stream: a, Index: 1, EventID: large.ID, Type: large.Type, Field: "Data", Err: es.ErrTooLarge})
	if got := e.read(e.store, es.ReadQuery{Stream: a, From: es.Version(len(events))}); len(got) != 1 {
		e.Fatalf("an append with data of %d bytes, limit %d, was refused, but not wholly: %d events more", limit+1, limit, len(got)-1)
	}
}

func payloadMetadata(e *env) {
	limit := e.store.Limits().MetadataBytes
	// A U+0000 grows sixfold where it is escaped: the limit is of the text.
	full := strings.Repeat("\x00", limit-len("key"))
	nasty := "a\x00b\"\\/<>&'𝄞\u2028\ufeff\ufffd\r\n "
	metas := []es.Metadata{
		{},
		{CorrelationID: "c"},
		{CausationID: "c"},
		{Actor: "a"},
		{Tenant: "t"},
		{CorrelationID: "1", CausationID: "2", Actor: "3", Tenant: "4", Keys: map[string]string{"5": "6"}},
		{CorrelationID: nasty, CausationID: nasty, Actor: nasty, Tenant: nasty, Keys: map[string]string{nasty: nasty}},
		{Keys: map[string]string{"": "", " ": "", "a": "", "A": "x", "\x00": "\x00", "\x00\x00": "y"}},
		// Named like the fixed ones, which must not be taken for them.
		{Actor: "me", Keys: map[string]string{"actor": "no", "Actor": "no", "keys": "no", "correlation_id": "no", "CorrelationID": "no", "tenant": ""}},
		{Keys: map[string]string{strings.Repeat("k", 4000): strings.Repeat("v", 4000)}},
		{Keys: map[string]string{"nfc \u00e9": "1", "nfc e\u0301": "2"}},
		{Keys: map[string]string{"key": full}},
		{Actor: full + "key"},
	}
	var events []es.Event
	for _, m := range metas {
		ev := e.event()
		ev.Meta = m
		ev.Meta.Keys = maps.Clone(m.Keys)
		events = append(events, ev)
	}
	a := stream("a")
	e.append(e.store, write(a, es.NoStream, events...))
	check := func() {
		e.Helper()
		e.eachWay(a, len(events), func(way string, i int, got es.Recorded) {
			if d := diff(metas[i], got.Meta); d != "" {
				e.Errorf("%s: metadata came back changed (-want +got):\n%.2000s", way, d)
			}
		})
	}
	check()
	if e.harness.Place != nil {
		e.reopen()
		check()
	}
	for _, m := range []es.Metadata{{Keys: map[string]string{"key": full + "!"}}, {Actor: full, Tenant: "1234"}} {
		ev := e.event()
		ev.Meta = m
		_, err := e.store.Append(e.ctx, write(a, es.Any, ev))
		e.wantInvalid(err, es.InvalidError{Stream: a, EventID: ev.ID, Type: ev.Type, Field: "Meta", Err: es.ErrTooLarge})
	}
}

func payloadIdentity(e *env) {
	a := stream("a")
	longest := strings.Repeat("aZ09-_.:/", es.MaxTypeLen)[:es.MaxTypeLen]
	last := uuid.UUID(bytes.Repeat([]byte{0xff}, 16))
	events := []es.Event{
		{ID: uuid.UUID{15: 1}, Type: "x", Schema: 1, Data: []byte(`1`)},
		{ID: last, Type: longest, Schema: 1<<31 - 1, Data: []byte(`2`)},
		{ID: uuid.New(), Type: "-", Schema: 2, Data: []byte(`3`)},
		{ID: es.DeriveID(a, "key", 0), Type: "A.b/C:d_e-1", Schema: 1000, Data: []byte(`4`)},
		{ID: es.NewID(), Type: "a.b/c:d_e-1", Schema: 1, Data: []byte(`5`)},
	}
	names := []es.Stream{a, {Category: strings.Repeat("c", es.MaxCategoryLen), ID: strings.Repeat("i", es.MaxStreamIDLen)}, {Category: "_", ID: "aZ09-_:@=+"}}
	for _, s := range names {
		e.append(e.store, write(s, es.NoStream, events...))
		e.eachWay(s, len(events), func(way string, i int, got es.Recorded) {
			want := got
			want.Event = events[i]
			want.Stream = s
			want.Version = es.Version(i + 1)
			if d := diff(want, got); d != "" {
				e.Errorf("%s: event came back changed (-want +got):\n%s", way, d)
			}
		})
	}
}

// wantInvalid checks that an append was refused by name, with what the error must hold.
func (e *env) wantInvalid(err error, want es.InvalidError) {
	e.Helper()
	var invalid *es.InvalidError
	if !errors.As(err, &invalid) {
		e.Fatalf("error %v (%T), want a *es.InvalidError that is %q", err, err, want.Err)
	}
	if !errors.Is(err, want.Err) {
		e.Fatalf("refused with %v, want one that is %q", err, want.Err)
	}
	got := *invalid
	got.Err = want.Err
	if got != want {
		e.Fatalf("refused with %s, want %s", fields(got), fields(want))
	}
}

func fields(e es.InvalidError) string {
	return fmt.Sprintf("stream %q, event %d, id %s, type %q, field %q", e.Stream, e.Index, e.EventID, e.Type, e.Field)
}
