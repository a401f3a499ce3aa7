package aggregate

import (
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/jsondiff"
)

// DivergedError tells that two ways to the same version of an aggregate ended in
// different states, which must not happen: what is decided on one is stored for the
// other.
type DivergedError struct {
	// Stream is the aggregate's.
	Stream es.Stream
	// Ways name the two ways, such as "as recorded" and "as replayed".
	Ways [2]string
	// States are the states that they led to, as JSON.
	States [2][]byte
}

func (e *DivergedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the state of %s differs (%s → %s):", e.Stream, e.Ways[0], e.Ways[1])
	for _, d := range jsondiff.Compare(e.States[0], e.States[1]) {
		b.WriteString("\n\t")
		b.WriteString(d.String())
	}
	return b.String()
}

// Compare reports whether two ways to the same version of an aggregate led to the
// same state, in the form that snapshots hold. The error is a *[DivergedError], or
// says that a state can't be encoded.
func Compare[T any](typ Type[T], ways [2]string, a, b *T) error {
	stream := es.Stream{Category: typ.Category(), ID: typ.Root(a).ID()}
	var states [2][]byte
	for i, state := range [...]*T{a, b} {
		data, err := typ.AppendState(nil, state)
		if err != nil {
			return fmt.Errorf("encoding the state of %s %s: %w", stream, ways[i], err)
		}
		states[i] = data
	}
	if string(states[0]) == string(states[1]) {
		return nil
	}
	return &DivergedError{Stream: stream, Ways: ways, States: states}
}
