package es_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
)

func TestTypedErrorsMatchTheirValuesAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := es.Stream{Category: "account", ID: "7"}
	broken := errors.New("broken")
	for _, c := range []struct {
		err   error
		is    error
		holds []string
	}{
		{&es.ConflictError{Stream: s, Expected: es.Exactly(3), Actual: 5}, es.ErrConflict, []string{"appending to account-7", "version 3", "version 5", "load it again"}},
		{&es.ConflictError{Stream: s, Expected: es.StreamExists}, es.ErrConflict, []string{"an existing stream", "does not exist"}},
		{&es.IdempotencyError{Stream: s, EventID: event(9).ID, Version: 2, Reason: "why"}, es.ErrIdempotency, []string{"appending to account-7", event(9).ID.String(), "version 2", "why", "new ids"}},
		{&es.IdempotencyError{Stream: s}, es.ErrIdempotency, []string{"not stored"}},
		{&es.BeyondHeadError{Position: 9, Head: 4}, es.ErrBeyondHead, []string{"9", "4", "restored", "start again"}},
		{&es.InvalidError{Stream: s, Index: 2, Type: "t", EventID: event(9).ID, Field: "Data", Err: broken}, broken, []string{"append to account-7", "event 2", "t", event(9).ID.String(), "field Data", "broken"}},
		{&es.InvalidError{Index: -1, Err: broken}, broken, []string{"append refused: broken"}},
		{&es.EventError{Stream: s, Version: 4, Type: "t", Schema: 2, Err: broken}, broken, []string{"reading account-7 at version 4", "t, schema version 2", "broken"}},
		{&es.EventError{Stream: s, Version: 4, Err: broken}, broken, []string{"snapshot of account-7 at version 4"}},
	} {
		wrapped := fmt.Errorf("saving: %w", c.err)
		if !errors.Is(wrapped, c.is) {
			t.Errorf("%v is not %q", c.err, c.is)
		}
		for _, other := range []error{es.ErrConflict, es.ErrIdempotency, es.ErrBeyondHead, es.ErrNotFound} {
			if other != c.is && errors.Is(wrapped, other) {
				t.Errorf("%v is %q as well", c.err, other)
			}
		}
		for _, part := range c.holds {
			if !strings.Contains(c.err.Error(), part) {
				t.Errorf("%q does not hold %q", c.err, part)
			}
		}
	}
}
