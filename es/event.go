package es

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"time"

	"github.com/google/uuid"
)

// Event is a fact to be appended.
type Event struct {
	// ID identifies the event within its stream; appending it again changes
	// nothing. [NewID] and [DeriveID] make ids.
	ID uuid.UUID
	// Type is the stored name, which outlives the Go type's: letters, digits and
	// any of - _ . : /, at most MaxTypeLen bytes.
	Type string
	// Schema is the version of the type's shape, from 1.
	Schema int
	// Data is one JSON text. It comes back byte for byte.
	Data []byte
	// Meta is what is known about the event beside its content.
	Meta Metadata
}

// Metadata is what is known about an event beside its content. It plays no part
// in idempotency: a retried append may carry other metadata.
type Metadata struct {
	CorrelationID string            `json:"correlation_id,omitempty"` // the conversation it belongs to
	CausationID   string            `json:"causation_id,omitempty"`   // the message that caused it
	Actor         string            `json:"actor,omitempty"`          // who did it
	Tenant        string            `json:"tenant,omitempty"`         // a label, no isolation
	Keys          map[string]string `json:"keys,omitempty"`           // the user's own
}

// IsZero reports whether nothing is set.
func (m Metadata) IsZero() bool {
	return m.CorrelationID == "" && m.CausationID == "" && m.Actor == "" && m.Tenant == "" && len(m.Keys) == 0
}

// Recorded is an event as it was stored. The reader owns it and may keep it.
type Recorded struct {
	Event
	Stream   Stream
	Version  Version
	Position Position
	// RecordedAt is the store's clock at the append, in UTC with microseconds. It
	// never decreases within a stream.
	RecordedAt time.Time
}

// NewID returns a new event id, a UUIDv7 (RFC 9562).
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// DeriveID returns the id of the i-th event (from 0) that a command with the
// given idempotency key appends to s. It is a function of its arguments alone, so
// that a command tried again makes the same ids: a UUIDv8 over SHA-256 of the
// length-prefixed arguments.
func DeriveID(s Stream, key string, i int) uuid.UUID {
	data := make([]byte, 0, 32+len(s.Category)+len(s.ID)+len(key))
	for _, part := range [...]string{"esgen event id 1", s.Category, s.ID, key} {
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	data = binary.AppendUvarint(data, uint64(i))
	sum := sha256.Sum256(data)
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}

type metadataKey struct{}

// WithMetadata returns a context whose metadata repositories put on the events
// that they save. What m leaves empty is kept from ctx.
func WithMetadata(ctx context.Context, m Metadata) context.Context {
	merged := MetadataFrom(ctx)
	set := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	set(&merged.CorrelationID, m.CorrelationID)
	set(&merged.CausationID, m.CausationID)
	set(&merged.Actor, m.Actor)
	set(&merged.Tenant, m.Tenant)
	if len(m.Keys) > 0 {
		keys := make(map[string]string, len(merged.Keys)+len(m.Keys))
		maps.Copy(keys, merged.Keys)
		maps.Copy(keys, m.Keys)
		merged.Keys = keys
	}
	return context.WithValue(ctx, metadataKey{}, merged)
}

// CausedBy returns a context for a handler that reacts to rec: what it saves
// names rec as its cause and stays in rec's correlation, or starts one with rec.
// The tenant is kept; the actor and free keys of rec are not.
func CausedBy(ctx context.Context, rec Recorded) context.Context {
	correlation := rec.Meta.CorrelationID
	if correlation == "" {
		correlation = rec.ID.String()
	}
	return WithMetadata(ctx, Metadata{
		CorrelationID: correlation,
		CausationID:   rec.ID.String(),
		Tenant:        rec.Meta.Tenant,
	})
}

// MetadataFrom returns the metadata that [WithMetadata] put into ctx. Its Keys
// must not be changed.
func MetadataFrom(ctx context.Context) Metadata {
	m, _ := ctx.Value(metadataKey{}).(Metadata)
	return m
}
