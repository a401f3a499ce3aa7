// Package upcasttest has the tests that esgen generates for the upcasters of an aggregate: what was ever
// stored is read as it always was. People don't usually call it.
package upcasttest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/es/codec/codectest"
	"github.com/esgen-go/esgen/internal/golden"
	"github.com/esgen-go/esgen/internal/jsondiff"
	"github.com/esgen-go/esgen/upcast"
)

// Variable is the environment variable that, set to "accept", lets [Goldens] write down what stored events are
// read as now, in place of comparing.
const Variable = "ESGEN_GOLDEN"

// Chain is the generated code of one aggregate that reads and writes its events.
type Chain[E any] struct {
	// Decode decodes a stored event of any schema version and takes it through its upcasters.
	Decode func(name string, schema int, data []byte) ([]E, error)
	// Encode appends the stored form of one of the latest events.
	Encode func(dst []byte, event any) (name string, schema int, data []byte, err error)
	// Latest has a value of each of the latest events.
	Latest []E
}

// read returns what a stored event is read as. An error is one that is not of an upcaster.
func (c Chain[E]) read(name string, schema int, stored []byte) (golden.Result, error) {
	data := bytes.Clone(stored)
	events, err := c.Decode(name, schema, data)
	if refused, ok := errors.AsType[*upcast.Error](err); ok {
		return golden.Result{Refused: refused.Error()}, nil
	}
	if err != nil {
		return golden.Result{}, err
	}
	for i := range data {
		data[i] = '#' // the caller uses the memory again
	}
	r := golden.Result{Read: []golden.Event{}}
	for _, event := range events {
		name, schema, data, err := c.Encode(nil, event)
		if err != nil {
			return golden.Result{}, fmt.Errorf("encode what it became, %#v: %w", event, err)
		}
		r.Read = append(r.Read, golden.Event{Is: golden.Is(name, schema), Data: data})
	}
	return r, nil
}

// Goldens reads the stored events in the files of the golden corpus, and compares what they become with what is
// written down there. With ESGEN_GOLDEN=accept in the environment it writes that down.
func Goldens[E any](t *testing.T, c Chain[E], files ...string) {
	t.Helper()
	accept := os.Getenv(Variable)
	if accept != "" && accept != "accept" {
		t.Fatalf("%s=%s: it is accept or nothing", Variable, accept)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("reading the golden corpus: %v: restore the file, git has it, or run esgen", err)
			continue
		}
		file, err := golden.Parse(data)
		if err != nil {
			t.Errorf("reading the golden corpus: %s: %v", path, err)
			continue
		}
		changed, accepted := false, accept != ""
		if schema := c.lacks(file); schema > 0 {
			changed = true
			if accepted {
				c.add(t, file)
			} else {
				t.Errorf("version %d of %s has no golden: it has a type that marshals itself, of which esgen doesn't know the texts. Add stored events that there are to %s, or have some made of Go values:",
					schema, file.Event, path)
			}
		}
		for _, g := range file.Goldens {
			t.Run(fmt.Sprintf("%s_v%d_%s", file.Event, g.Version, g.Name), func(t *testing.T) {
				now, err := c.read(file.Event, g.Version, g.Stored)
				was := g.Expected(file.Event)
				switch {
				case err != nil:
					t.Errorf("version %d of %s can't be read any more:\nstored\t%s\n%v", g.Version, file.Event, g.Stored, err)
				case now.Same(was):
				case accepted:
					t.Logf("accepted:\n%s", difference(g, was, now))
					g.Accept(file.Event, now)
					changed = true
				default:
					t.Errorf("version %d of %s is not read as it was:\n%s", g.Version, file.Event, difference(g, was, now))
					changed = true
				}
			})
		}
		switch {
		case !changed:
		case accepted:
			if err := os.WriteFile(path, file.Encode(), 0o644); err != nil {
				t.Errorf("writing the golden corpus: %v", err)
			}
		default:
			t.Errorf("if that is how %s is to be read from now on, write it down and commit it:\n\t%s=accept go test -run '^%s$' .",
				file.Event, Variable, t.Name())
		}
	}
}

// lacks returns the latest version of a file's event if there is no golden of it, else 0.
func (c Chain[E]) lacks(file *golden.File) int {
	for _, event := range c.Latest {
		name, schema, _, _ := c.Encode(nil, event) // the value may be refused, but not the type
		if name == file.Event && !slices.ContainsFunc(file.Goldens, func(g *golden.Golden) bool { return g.Version == schema }) {
			return schema
		}
	}
	return 0
}

// add adds goldens of the latest version that are made of Go values.
func (c Chain[E]) add(t *testing.T, file *golden.File) {
	t.Helper()
	for _, event := range c.Latest {
		if name, _, _, _ := c.Encode(nil, event); name != file.Event {
			continue
		}
		for kind, v := range codectest.Values(reflect.TypeOf(event)) {
			_, schema, data, err := c.Encode(nil, v.Elem().Interface())
			if err != nil {
				continue // one of its types refuses the value
			}
			same := func(g *golden.Golden) bool { return g.Version == schema && bytes.Equal(g.Stored, data) }
			if slices.ContainsFunc(file.Goldens, same) {
				continue
			}
			file.Goldens = append(file.Goldens, &golden.Golden{Version: schema, Name: "go-" + kind, Stored: data})
		}
	}
	file.Sort()
}

// difference shows what was and what is, and for events that stand in the same place what differs within.
func difference(g *golden.Golden, was, now golden.Result) string {
	var b strings.Builder
	indent := func(text string) string { return strings.ReplaceAll(text, "\n", "\n\t") }
	fmt.Fprintf(&b, "stored\t%s\nwas\t%s\nnow\t%s", g.Stored, indent(was.String()), indent(now.String()))
	if len(was.Read) != len(now.Read) || was.Refused != now.Refused {
		return b.String()
	}
	for i := range was.Read {
		before, after := was.Read[i], now.Read[i]
		if before.Name() != after.Name() || jsondiff.Same(before.Data, after.Data) {
			continue
		}
		differences := jsondiff.Compare(before.Data, after.Data)
		const many = 10
		for i, d := range differences {
			if i == many {
				fmt.Fprintf(&b, "\n\tand %d more", len(differences)-i)
				break
			}
			fmt.Fprintf(&b, "\n\t%v", d)
		}
	}
	return b.String()
}
