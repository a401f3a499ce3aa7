package es_test

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// The vectors were made by another implementation, from the description alone. They must never
// change: a command that is retried by a newer build must make the ids of the older one.
func TestDerivedIDsAreTheSameForEver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stream es.Stream
		key    string
		i      int
		want   string
	}{
		{es.Stream{Category: "account", ID: "1"}, "key", 0, "b6b47ae5-4944-83bc-ac78-fe2f89e14c4e"},
		{es.Stream{Category: "account", ID: "1"}, "key", 1, "0affea19-862d-802d-b0a4-e012680aef4b"},
		{es.Stream{Category: "account", ID: "1"}, "", 0, "c9d07f06-fc29-804f-8864-177abdf19de9"},
		{es.Stream{Category: "account", ID: "1k"}, "ey", 0, "a16f894b-bc98-8a82-85b5-487d33ffdee1"},
		{es.Stream{Category: "transfer", ID: "0192-a:b"}, "payment/2024-01-01#7", 300, "612982a5-fb6b-8223-af2b-29dc268d236e"},
		{es.Stream{Category: "a", ID: "b"}, "\x00é𝄞", 0, "502cfaf8-47fa-8ccf-8882-b00e079019e4"},
		{es.Stream{Category: "account", ID: "1"}, strings.Repeat("k", 200), 1, "ce414ab3-be9e-8dc2-97e3-14812bbb25d1"},
	} {
		got := es.DeriveID(c.stream, c.key, c.i)
		if got.String() != c.want || got.Version() != 8 || got.Variant() != uuid.RFC4122 {
			t.Errorf("DeriveID(%s, %q, %d) = %s (version %d), want %s", c.stream, c.key, c.i, got, got.Version(), c.want)
		}
	}
}

func TestNewIDsAreUniqueAndOrderedByTime(t *testing.T) {
	t.Parallel()
	last := es.NewID()
	for range 1000 {
		id := es.NewID()
		if id.Version() != 7 || id.String() <= last.String() {
			t.Fatalf("NewID() = %s (version %d) after %s", id, id.Version(), last)
		}
		last = id
	}
}

func TestMetadataInAContextAddsUp(t *testing.T) {
	t.Parallel()
	if m := es.MetadataFrom(context.Background()); !m.IsZero() {
		t.Errorf("metadata of a bare context: %+v", m)
	}
	outer := es.WithMetadata(context.Background(), es.Metadata{CorrelationID: "c1", Actor: "alice", Keys: map[string]string{"a": "1", "b": "1"}})
	inner := es.WithMetadata(outer, es.Metadata{CausationID: "x", Actor: "bob", Tenant: "t", Keys: map[string]string{"b": "2"}})

	want := es.Metadata{CorrelationID: "c1", CausationID: "x", Actor: "bob", Tenant: "t", Keys: map[string]string{"a": "1", "b": "2"}}
	if got := es.MetadataFrom(inner); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata of the inner context: %+v, want %+v", got, want)
	}
	want = es.Metadata{CorrelationID: "c1", Actor: "alice", Keys: map[string]string{"a": "1", "b": "1"}}
	if got := es.MetadataFrom(outer); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata of the outer context: %+v, want %+v", got, want)
	}
}

func TestMetadataInAContextIsNoOneElsesMap(t *testing.T) {
	t.Parallel()
	mine := map[string]string{"k": "v"}
	ctx := es.WithMetadata(context.Background(), es.Metadata{Keys: mine})
	mine["k"] = "changed"
	if got := es.MetadataFrom(ctx).Keys; !maps.Equal(got, map[string]string{"k": "v"}) {
		t.Errorf("keys are %v after the caller changed its own map", got)
	}
}

func TestCausedByStaysInTheCorrelation(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0192f0c1-2d3e-7a4b-8c5d-6e7f80910213")
	rec := es.Recorded{Event: es.Event{ID: id, Meta: es.Metadata{CorrelationID: "c", CausationID: "before", Actor: "alice", Tenant: "t", Keys: map[string]string{"k": "v"}}}}
	want := es.Metadata{CorrelationID: "c", CausationID: id.String(), Tenant: "t"}
	if got := es.MetadataFrom(es.CausedBy(context.Background(), rec)); !reflect.DeepEqual(got, want) {
		t.Errorf("caused by an event with a correlation: %+v, want %+v", got, want)
	}
	rec.Meta = es.Metadata{}
	want = es.Metadata{CorrelationID: id.String(), CausationID: id.String()}
	if got := es.MetadataFrom(es.CausedBy(context.Background(), rec)); !reflect.DeepEqual(got, want) {
		t.Errorf("caused by an event without: %+v, want %+v", got, want)
	}
	// A handler that serves one event after another takes nothing over from the last.
	want.Actor = "the handler"
	ctx := es.WithMetadata(context.Background(), es.Metadata{Actor: "the handler"})
	if got := es.MetadataFrom(es.CausedBy(ctx, rec)); !reflect.DeepEqual(got, want) {
		t.Errorf("caused by an event, for a handler with an actor: %+v, want %+v", got, want)
	}
}

func TestMetadataIsZeroWithoutAnyField(t *testing.T) {
	t.Parallel()
	for _, m := range []es.Metadata{{CorrelationID: "x"}, {CausationID: "x"}, {Actor: "x"}, {Tenant: "x"}, {Keys: map[string]string{"": ""}}} {
		if m.IsZero() {
			t.Errorf("%+v is taken for zero", m)
		}
	}
	if m := (es.Metadata{Keys: map[string]string{}}); !m.IsZero() {
		t.Errorf("%+v is not taken for zero", m)
	}
}
