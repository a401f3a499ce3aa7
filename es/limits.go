package es

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Limits are the largest sizes that a store takes, each inclusive.
type Limits struct {
	EventBytes    int // of an event's Data
	MetadataBytes int // of an event's Metadata, all texts together
	Events        int // of one append, all writes together
	Streams       int // of one append
}

// DefaultLimits are those of the stores that could take more: 8 MiB of data and
// 64 KiB of metadata an event, 10,000 events and 1,000 streams an append.
func DefaultLimits() Limits {
	return Limits{EventBytes: 8 << 20, MetadataBytes: 64 << 10, Events: 10_000, Streams: 1_000}
}

// ValidateWrites checks an append as every store must, before anything is
// written. The error is an *[InvalidError].
func (l Limits) ValidateWrites(writes []Write) error {
	if len(writes) == 0 {
		return &InvalidError{Index: -1, Err: ErrNoEvents}
	}
	if len(writes) > l.Streams {
		return &InvalidError{Index: -1, Err: fmt.Errorf("%d streams, at most %d: %w", len(writes), l.Streams, ErrTooLarge)}
	}
	events := 0
	var streams map[Stream]struct{}
	if len(writes) > 1 {
		streams = make(map[Stream]struct{}, len(writes))
	}
	for _, w := range writes {
		if streams != nil {
			if _, twice := streams[w.Stream]; twice {
				return &InvalidError{Stream: w.Stream, Index: -1, Err: ErrDuplicateStream}
			}
			streams[w.Stream] = struct{}{}
		}
		if events += len(w.Events); events > l.Events {
			return &InvalidError{Stream: w.Stream, Index: -1, Err: fmt.Errorf("more than %d events in one append: %w", l.Events, ErrTooLarge)}
		}
		if err := l.validateWrite(w); err != nil {
			return err
		}
	}
	return nil
}

func (l Limits) validateWrite(w Write) error {
	if err := w.Stream.Validate(); err != nil {
		return &InvalidError{Stream: w.Stream, Index: -1, Err: err}
	}
	if err := w.Expect.Validate(); err != nil {
		return &InvalidError{Stream: w.Stream, Index: -1, Err: err}
	}
	if len(w.Events) == 0 {
		return &InvalidError{Stream: w.Stream, Index: -1, Err: ErrNoEvents}
	}
	var ids map[uuid.UUID]struct{}
	if len(w.Events) > 1 {
		ids = make(map[uuid.UUID]struct{}, len(w.Events))
	}
	for i := range w.Events {
		e := &w.Events[i]
		field, err := l.validateEvent(e)
		if err == nil && ids != nil {
			if _, twice := ids[e.ID]; twice {
				field, err = "ID", ErrDuplicateID
			}
			ids[e.ID] = struct{}{}
		}
		if err != nil {
			return &InvalidError{Stream: w.Stream, Index: i, EventID: e.ID, Type: e.Type, Field: field, Err: err}
		}
	}
	return nil
}

func (l Limits) validateEvent(e *Event) (field string, err error) {
	if e.ID == uuid.Nil {
		return "ID", ErrNilID
	}
	if err := validateType(e.Type); err != nil {
		return "Type", err
	}
	if e.Schema < 1 || e.Schema > 1<<31-1 {
		return "Schema", fmt.Errorf("%d is not in 1 to %d: %w", e.Schema, 1<<31-1, ErrInvalidSchema)
	}
	if len(e.Data) > l.EventBytes {
		return "Data", fmt.Errorf("%d bytes, at most %d: %w", len(e.Data), l.EventBytes, ErrTooLarge)
	}
	if !utf8.Valid(e.Data) || !json.Valid(e.Data) {
		return "Data", ErrInvalidData
	}
	return "Meta", l.validateMetadata(&e.Meta)
}

// ValidateCheckpointName refuses a name that [Checkpoints] can't take. The error
// matches [ErrInvalidName].
func ValidateCheckpointName(name string) error {
	return validateName("checkpoint name", name)
}

func validateFingerprint(name string) error { return validateName("fingerprint", name) }

func validateName(what, name string) error {
	if name == "" || len(name) > 200 || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%s %.80q: 1 to 200 bytes of UTF-8 without U+0000 are allowed: %w", what, name, ErrInvalidName)
	}
	return nil
}

func validateType(name string) error {
	if name == "" {
		return fmt.Errorf("it is empty: %w", ErrInvalidType)
	}
	if len(name) > MaxTypeLen {
		return fmt.Errorf("%d bytes, at most %d: %w", len(name), MaxTypeLen, ErrInvalidType)
	}
	for i := 0; i < len(name); i++ {
		if !isTypeByte(name[i]) {
			return fmt.Errorf("%q at byte %d, allowed are letters, digits and - _ . : /: %w", name[i:i+1], i, ErrInvalidType)
		}
	}
	return nil
}

func (l Limits) validateMetadata(m *Metadata) error {
	size, valid := 0, true
	add := func(text string) {
		size += len(text)
		valid = valid && utf8.ValidString(text)
	}
	for _, text := range [...]string{m.CorrelationID, m.CausationID, m.Actor, m.Tenant} {
		add(text)
	}
	for k, v := range m.Keys {
		add(k)
		add(v)
	}
	switch {
	case !valid:
		return ErrInvalidMetadata
	case size > l.MetadataBytes:
		return fmt.Errorf("%d bytes, at most %d: %w", size, l.MetadataBytes, ErrTooLarge)
	}
	return nil
}
