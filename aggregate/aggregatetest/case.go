package aggregatetest

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
)

// Case is an aggregate with its history. Make one with [Given].
type Case[T any] struct {
	t     testing.TB
	typ   aggregate.Type[T]
	a     *T
	given []stored
}

// Given starts a test of a new aggregate, as its generated New makes it, with the events
// that happened before: values of its event types, or an [es.Event] with Type, Schema
// and Data for one as it is stored, such as one of an older schema version.
func Given[T any](t testing.TB, a *T, events ...any) *Case[T] {
	t.Helper()
	typ, made := aggregate.TypeOf(a)
	if !made {
		t.Fatalf("Given: this %T was not made by its generated New", *a)
	}
	root := typ.Root(a)
	if root.Version() != 0 || len(aggregate.PendingOf(root)) > 0 {
		t.Fatalf("Given: %s is not new: make one with the generated New and give its history as events", name(typ, a))
	}
	c := &Case[T]{t: t, typ: typ, a: a, given: encode(t, typ, "Given", events)}
	c.replay(a, c.given)
	aggregate.Loaded(root, es.Version(len(events)), 0)
	return c
}

// When runs a command and checks that the aggregate equals what would be replayed.
// One of the methods of [Outcome] must follow.
func (c *Case[T]) When(cmd func(*T) error) *Outcome[T] {
	c.t.Helper()
	o := &Outcome[T]{c: c, err: cmd(c.a)}
	c.t.Cleanup(func() {
		if !o.checked && !c.t.Failed() {
			c.t.Errorf("%s: When has no Then: say what the command should record, or ThenError", name(c.typ, c.a))
		}
	})
	var recorded []any
	for _, p := range aggregate.PendingOf(c.typ.Root(c.a)) {
		recorded = append(recorded, p.Event)
	}
	o.recorded = encode(c.t, c.typ, "When: recorded", recorded)

	replayed := new(T)
	aggregate.Init(c.typ.Root(replayed), c.typ.Root(c.a).ID(), c.typ)
	c.replay(replayed, slices.Concat(c.given, o.recorded))
	ways := [2]string{"after the command", "replayed from the stored events"}
	if err := aggregate.Compare(c.typ, ways, c.a, replayed); err != nil {
		c.t.Errorf("When: %v\nAn apply body keeps what the stored form of an event does not, "+
			"or the state was changed without an event.%s", err, o.story())
	}
	return o
}

// replay folds stored events.
func (c *Case[T]) replay(a *T, events []stored) {
	c.t.Helper()
	for i, e := range events {
		row := es.Row{Version: es.Version(i + 1), Type: e.name, Schema: e.schema, Data: e.data}
		if err := c.typ.Replay(a, row); err != nil {
			c.t.Fatalf("replaying event %d of %s, %s: %v", i+1, name(c.typ, a), e, err)
		}
	}
}

// Outcome is what a command did.
type Outcome[T any] struct {
	c        *Case[T]
	err      error
	recorded []stored
	checked  bool
}

// Then checks that the command succeeded and recorded exactly these events, in this
// order. They are compared in their stored form.
func (o *Outcome[T]) Then(events ...any) *Outcome[T] {
	o.c.t.Helper()
	o.succeeded("Then")
	want := encode(o.c.t, o.c.typ, "Then", events)
	if d := differences(want, o.recorded); d != "" {
		o.c.t.Errorf("Then: the command recorded other events (want → got):%s%s\nwant%s", d, o.story(), list(want))
	}
	return o
}

// ThenNothing checks that the command succeeded and recorded nothing.
func (o *Outcome[T]) ThenNothing() *Outcome[T] {
	o.c.t.Helper()
	o.succeeded("ThenNothing")
	if len(o.recorded) > 0 {
		o.c.t.Errorf("ThenNothing: the command recorded something%s", o.story())
	}
	return o
}

// ThenError checks that the command's error matches target, by errors.Is.
func (o *Outcome[T]) ThenError(target error) *Outcome[T] {
	o.c.t.Helper()
	o.checked = true
	if !errors.Is(o.err, target) {
		o.c.t.Errorf("ThenError: want an error that matches %q%s", target, o.story())
	}
	return o
}

// ThenErrorAs checks that the command's error is one of the type that target
// points to, and sets target to it, by errors.As.
func (o *Outcome[T]) ThenErrorAs(target any) *Outcome[T] {
	o.c.t.Helper()
	o.checked = true
	if !errors.As(o.err, target) {
		o.c.t.Errorf("ThenErrorAs: want an error that is a %v%s", reflect.TypeOf(target).Elem(), o.story())
	}
	return o
}

// ThenState has the aggregate checked as it is after the command.
func (o *Outcome[T]) ThenState(check func(t testing.TB, a *T)) *Outcome[T] {
	o.c.t.Helper()
	o.checked = true
	check(o.c.t, o.c.a)
	return o
}

func (o *Outcome[T]) succeeded(then string) {
	o.c.t.Helper()
	o.checked = true
	if o.err != nil {
		o.c.t.Fatalf("%s: the command failed%s", then, o.story())
	}
}
