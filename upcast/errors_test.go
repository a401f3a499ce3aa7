package upcast_test

import (
	"errors"
	"testing"

	"github.com/esgen-go/esgen/upcast"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such currency")
	for name, c := range map[string]struct {
		err, is error
		want    string
	}{
		"an unknown type": {
			upcast.UnknownType("account", "account.vanished", "account.opened", "account.closed"), upcast.ErrUnknownType,
			`unknown event type "account.vanished" in category account (known: account.closed, account.opened): it was written by another build; ` +
				`if its struct was renamed, keep the stored name with //esgen:event name=account.vanished, ` +
				`if it was deleted, bring the struct back or drop the event with //esgen:drop name=account.vanished`,
		},
		"a newer schema version": {
			upcast.UnknownSchema("account.opened", 4, 3), upcast.ErrUnknownSchema,
			"unknown schema version 4 of account.opened: this build reads up to 3: it was written by a newer build; deploy that one here too",
		},
		"a forgotten schema version": {
			upcast.UnknownSchema("account.opened", 1, 3), upcast.ErrUnknownSchema,
			"unknown schema version 1 of account.opened: this build reads 3: bring back the struct of version 1 and an //esgen:upcast function for it",
		},
		"a failed step": {
			upcast.Step("account.opened", 1, 2, cause), cause,
			"upcasting account.opened from schema version 1 to 2: no such currency",
		},
		"a failed split": {
			upcast.Step("account.opened", 1, 0, cause), cause,
			"upcasting account.opened from schema version 1: no such currency",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !errors.Is(c.err, c.is) {
				t.Errorf("%v does not match %v", c.err, c.is)
			}
			if got := c.err.Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestAStepThatSucceedsIsNoError(t *testing.T) {
	t.Parallel()
	if err := upcast.Step("account.opened", 1, 2, nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestAFailedStepCanBeTakenApart(t *testing.T) {
	t.Parallel()
	err := upcast.Step("account.opened", 1, 2, errors.New("oops"))
	if step, ok := errors.AsType[*upcast.Error](err); !ok || step.Type != "account.opened" || step.From != 1 || step.To != 2 {
		t.Errorf("got %#v", err)
	}
}

func TestUnknownTypeLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	known := []string{"b", "a"}
	_ = upcast.UnknownType("account", "c", known...)
	if known[0] != "b" {
		t.Errorf("the caller's slice was sorted: %v", known)
	}
}
