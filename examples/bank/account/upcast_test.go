package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/upcast"
)

func TestWhatCannotBeUpcastSaysWhichStep(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{"amount":-9223372036854775808}`, `{"amount":1,"fee":-1}`} {
		_, err := account.Decode(es.Recorded{Stream: es.Stream{Category: "account", ID: "ada"}, Event: es.Event{Type: "account.adjusted", Schema: 1, Data: []byte(data)}})
		if step, ok := errors.AsType[*upcast.Error](err); !ok || step.Type != "account.adjusted" || step.From != 1 {
			t.Errorf("%s: %v; want an *upcast.Error of account.adjusted from version 1", data, err)
		}
	}
}

func TestAnEventOfAnotherBuildIsRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		event es.Event
		want  error
		names string
	}{
		{es.Event{Type: "account.frozen", Schema: 1, Data: []byte(`{}`)}, upcast.ErrUnknownType, "account.frozen"},
		{es.Event{Type: "account.opened", Schema: 4, Data: []byte(`{}`)}, upcast.ErrUnknownSchema, "4 of account.opened"},
		{es.Event{Type: "account.adjusted", Schema: 2, Data: []byte(`{}`)}, upcast.ErrUnknownSchema, "2 of account.adjusted"},
	} {
		_, err := account.Decode(es.Recorded{Stream: es.Stream{Category: "account", ID: "ada"}, Event: c.event})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s version %d: %v; want %v with %q", c.event.Type, c.event.Schema, err, c.want, c.names)
		}
	}
}
