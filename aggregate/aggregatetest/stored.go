package aggregatetest

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/jsondiff"
)

// stored is the stored form of an event.
type stored struct {
	name   string
	schema int
	data   []byte
}

func (s stored) String() string { return fmt.Sprintf("%s (version %d) %s", s.name, s.schema, s.data) }

// encode brings events to their stored form; what can't be stored ends the test.
func encode[T any](t testing.TB, typ aggregate.Type[T], what string, events []any) []stored {
	t.Helper()
	all := make([]stored, len(events))
	for i, event := range events {
		if e, ok := event.(es.Event); ok && what == "Given" {
			all[i] = stored{e.Type, e.Schema, e.Data}
			continue
		}
		if v := reflect.ValueOf(event); v.Kind() == reflect.Pointer {
			t.Fatalf("%s event %d is a pointer, %T: events are values: write %s{…} without the &", what, i+1, event, v.Type().Elem())
		}
		name, schema, data, err := typ.Encode(nil, event)
		if err != nil {
			t.Fatalf("%s event %d, %T, can't be stored: %v", what, i+1, event, err)
		}
		all[i] = stored{name, schema, data}
	}
	return all
}

// differences tells event by event what differs, "" if nothing does.
func differences(want, got []stored) string {
	var b strings.Builder
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want):
			fmt.Fprintf(&b, "\n\tevent %d: none → %s", i+1, got[i].name)
		case i >= len(got):
			fmt.Fprintf(&b, "\n\tevent %d: %s → none", i+1, want[i].name)
		case want[i].name != got[i].name:
			fmt.Fprintf(&b, "\n\tevent %d: %s → %s", i+1, want[i].name, got[i].name)
		case !bytes.Equal(want[i].data, got[i].data):
			for _, d := range jsondiff.Compare(want[i].data, got[i].data) {
				fmt.Fprintf(&b, "\n\tevent %d, %s, %s", i+1, want[i].name, d)
			}
		}
	}
	return b.String()
}

func list(events []stored) string {
	if len(events) == 0 {
		return "\n\tnothing"
	}
	var b strings.Builder
	for i, e := range events {
		fmt.Fprintf(&b, "\n\t%d. %s", i+1, e)
	}
	return b.String()
}

// story tells the whole case, to go under a failure.
func (o *Outcome[T]) story() string {
	outcome := "recorded" + list(o.recorded)
	if o.err != nil {
		outcome += fmt.Sprintf("\nand returned the error\n\t%v", o.err)
	}
	return fmt.Sprintf("\ngiven %s with%s\nwhen the command ran, it %s", name(o.c.typ, o.c.a), list(o.c.given), outcome)
}

func name[T any](typ aggregate.Type[T], a *T) string {
	return typ.Category() + "-" + typ.Root(a).ID()
}
