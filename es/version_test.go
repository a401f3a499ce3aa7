package es_test

import (
	"errors"
	"testing"

	"github.com/esgen-go/esgen/es"
)

func TestExpectationsAreMetByTheVersionsThatTheyName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expect   es.Expected
		text     string
		metBy    [4]bool // at versions 0 to 3
		exact    es.Version
		hasExact bool
	}{
		{es.Any, "any version", [4]bool{true, true, true, true}, 0, false},
		{es.NoStream, "no stream", [4]bool{true, false, false, false}, 0, true},
		{es.StreamExists, "an existing stream", [4]bool{false, true, true, true}, 0, false},
		{es.Exactly(0), "no stream", [4]bool{true, false, false, false}, 0, true},
		{es.Exactly(2), "version 2", [4]bool{false, false, true, false}, 2, true},
		{es.Expected{}, "nothing (zero value)", [4]bool{}, 0, false},
	} {
		for v, want := range c.metBy {
			if got := c.expect.Met(es.Version(v)); got != want {
				t.Errorf("%s: Met(%d) = %t", c.text, v, got)
			}
		}
		if v, ok := c.expect.Exact(); v != c.exact || ok != c.hasExact {
			t.Errorf("%s: Exact() = %d, %t, want %d, %t", c.text, v, ok, c.exact, c.hasExact)
		}
		if got := c.expect.String(); got != c.text {
			t.Errorf("String() = %q, want %q", got, c.text)
		}
	}
	if es.Exactly(0) != es.NoStream {
		t.Error("Exactly(0) is not NoStream")
	}
}

func TestAForgottenOrImpossibleExpectationIsRefused(t *testing.T) {
	t.Parallel()
	for _, expect := range []es.Expected{{}, es.Exactly(-1)} {
		if err := expect.Validate(); !errors.Is(err, es.ErrNoExpectation) {
			t.Errorf("%s: Validate() = %v, want es.ErrNoExpectation", expect, err)
		}
	}
	for _, expect := range []es.Expected{es.Any, es.NoStream, es.StreamExists, es.Exactly(0), es.Exactly(1 << 62)} {
		if err := expect.Validate(); err != nil {
			t.Errorf("%s: Validate() = %v", expect, err)
		}
	}
}
