package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var linearizableClauses = []Clause{
	{
		Name: "Linearizable/Stream",
		Promise: "Concurrent appends and reads of one stream, by several stores, are linearizable: there is one order of them in which each takes effect " +
			"between its call and its return, and each appends to, conflicts with, or reads what those before it left. (Checked with porcupine.)",
		Unforced: "the moments inside the engine at which an order would show that is none.",
		check:    linearizableStream,
	},
}

// call is what a history's operation asked for, and answer what it got.
type call struct {
	stream es.Stream
	append bool
	expect es.Expected
	events []uuid.UUID
}

type answer struct {
	conflict bool
	version  es.Version  // of the conflict, or the last one appended
	read     []uuid.UUID // by a read
}

// streamModel is a stream as a sequence of ids.
var streamModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := map[es.Stream][]porcupine.Operation{}
		for _, op := range history {
			s := op.Input.(call).stream
			parts[s] = append(parts[s], op)
		}
		var all [][]porcupine.Operation
		for _, part := range parts {
			all = append(all, part)
		}
		return all
	},
	Init: func() any { return []uuid.UUID(nil) },
	Step: func(state, input, output any) (bool, any) {
		ids, in, out := state.([]uuid.UUID), input.(call), output.(answer)
		version := es.Version(len(ids))
		switch {
		case !in.append:
			return slices.Equal(ids, out.read), ids
		case out.conflict:
			return !in.expect.Met(version) && out.version == version, ids
		default:
			return in.expect.Met(version) && out.version == version+es.Version(len(in.events)), slices.Concat(ids, in.events)
		}
	},
	Equal: func(a, b any) bool { return slices.Equal(a.([]uuid.UUID), b.([]uuid.UUID)) },
	DescribeOperation: func(input, output any) string {
		in, out := input.(call), output.(answer)
		switch {
		case !in.append:
			return fmt.Sprintf("read %d events", len(out.read))
		case out.conflict:
			return fmt.Sprintf("append expecting %s: conflict with version %d", in.expect, out.version)
		default:
			return fmt.Sprintf("append expecting %s: up to version %d", in.expect, out.version)
		}
	},
}

func linearizableStream(e *env) {
	streams := []es.Stream{stream("a"), stream("b")}
	stores := e.handles()
	rounds := some(25)
	began := time.Now()
	var mu sync.Mutex
	var history []porcupine.Operation
	e.concurrently(3*len(stores), func(client int) error {
		s := stores[client%len(stores)]
		known := map[es.Stream]es.Version{}
		for range rounds {
			in := call{stream: streams[rand.IntN(len(streams))], append: rand.IntN(3) > 0}
			var events []es.Event
			if in.append {
				in.expect = es.Exactly(known[in.stream])
				if rand.IntN(4) == 0 {
					in.expect = es.Any
				}
				events = e.events(1 + rand.IntN(2))
				for _, event := range events {
					in.events = append(in.events, event.ID)
				}
			}
			var out answer
			called := time.Since(began)
			if in.append {
				r, err := s.Append(e.ctx, write(in.stream, in.expect, events...))
				conflict, isConflict := errors.AsType[*es.ConflictError](err)
				switch {
				case isConflict:
					out.conflict, out.version = true, conflict.Actual
				case err != nil:
					return err
				default:
					out.version = r.Streams[0].Last
				}
				known[in.stream] = out.version
			} else {
				for rec, err := range s.Read(e.ctx, es.ReadQuery{Stream: in.stream}) {
					if errors.Is(err, es.ErrNotFound) {
						break
					}
					if err != nil {
						return err
					}
					out.read = append(out.read, rec.ID)
				}
				known[in.stream] = es.Version(len(out.read))
			}
			returned := time.Since(began)
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: int64(called), Output: out, Return: int64(returned)})
			mu.Unlock()
		}
		return nil
	})
	if result := porcupine.CheckOperationsTimeout(streamModel, history, time.Minute); result == porcupine.Illegal {
		e.Fatalf("the history of %d appends and reads by %d clients is not linearizable", len(history), 3*len(stores))
	}
}
