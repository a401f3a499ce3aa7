package storetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/es"
)

var checkpointClauses = []Clause{
	{
		Name:    "Checkpoint/KeepsPositions",
		Promise: "A checkpoint is 0 until one is saved, then what was saved last, be it lower; each name has its own, told apart byte for byte.",
		check:   checkpointKeeps,
	},
	{
		Name:     "Checkpoint/BeyondHead",
		Promise:  "A checkpoint beyond the head is refused with a *BeyondHeadError, and the stored one stays.",
		Unforced: "that a stored checkpoint which a restored backup left beyond the head is returned with a *BeyondHeadError.",
		check:    checkpointBeyondHead,
	},
	{
		Name:    "Checkpoint/Names",
		Promise: "A name of 1 to 200 bytes of UTF-8 without U+0000 is taken; any other is refused with es.ErrInvalidName.",
		check:   checkpointNames,
	},
	{
		Name:    "Checkpoint/AfterReopening",
		Promise: "Checkpoints are there after the store was closed and opened again.",
		check:   checkpointAfterReopening,
	},
	{
		Name:    "Checkpoint/Concurrent",
		Promise: "Readers save checkpoints at once, beside appends and through several open stores; each has its own last one in the end.",
		check:   checkpointConcurrent,
	},
}

func (e *env) saveCheckpoint(c es.Checkpoints, name string, p es.Position) {
	e.Helper()
	if err := c.SaveCheckpoint(e.ctx, name, p); err != nil {
		e.Fatalf("SaveCheckpoint(%.40q, %d): %v", name, p, err)
	}
}

func (e *env) wantCheckpoint(c es.Checkpoints, name string, want es.Position) {
	e.Helper()
	if got, err := c.Checkpoint(e.ctx, name); err != nil || got != want {
		e.Fatalf("Checkpoint(%.40q) = %d, %v, want %d", name, got, err, want)
	}
}

// positions appends n events and returns the positions of the feed.
func (e *env) positions(n int) []es.Position {
	e.Helper()
	capability[es.Feed](e, e.store)
	e.fill(stream("a"), n)
	var positions []es.Position
	for _, rec := range e.feed(e.store) {
		positions = append(positions, rec.Position)
	}
	return positions
}

func checkpointKeeps(e *env) {
	c := capability[es.Checkpoints](e, e.store)
	at := e.positions(5)
	e.wantCheckpoint(c, "reader", 0)
	e.saveCheckpoint(c, "reader", 0)
	e.wantCheckpoint(c, "reader", 0)
	for _, p := range []es.Position{at[2], at[4], at[4], at[1], 0, at[3]} {
		e.saveCheckpoint(c, "reader", p)
		e.wantCheckpoint(c, "reader", p)
	}
	names := []string{"reader ", "Reader", " reader", "reade", "reader-2", "reader\n", "é", "e\u0301"}
	for i, name := range names {
		e.wantCheckpoint(c, name, 0)
		e.saveCheckpoint(c, name, at[i%5])
	}
	for i, name := range names {
		e.wantCheckpoint(c, name, at[i%5])
	}
	e.wantCheckpoint(c, "reader", at[3])
}

func checkpointBeyondHead(e *env) {
	c := capability[es.Checkpoints](e, e.store)
	refused := func(p, head es.Position) {
		e.Helper()
		err := c.SaveCheckpoint(e.ctx, "reader", p)
		var beyond *es.BeyondHeadError
		if !errors.As(err, &beyond) || !errors.Is(err, es.ErrBeyondHead) || *beyond != (es.BeyondHeadError{Position: p, Head: head}) {
			e.Fatalf("SaveCheckpoint at %d of a feed up to %d: %v, want a *es.BeyondHeadError with both", p, head, err)
		}
	}
	refused(1, 0)
	at := e.positions(3)
	e.saveCheckpoint(c, "reader", at[1])
	refused(at[2]+1, at[2])
	refused(1<<62, at[2])
	e.wantCheckpoint(c, "reader", at[1])
	e.saveCheckpoint(c, "reader", at[2])
	e.wantCheckpoint(c, "reader", at[2])
}

func checkpointNames(e *env) {
	c := capability[es.Checkpoints](e, e.store)
	at := e.positions(1)[0]
	for _, name := range []string{"x", strings.Repeat("n", 200), strings.Repeat("é", 100), "a b/c:d'\"\\%_*?", "𝄞", "\x01\x7f"} {
		e.saveCheckpoint(c, name, at)
		e.wantCheckpoint(c, name, at)
	}
	for _, name := range []string{"", strings.Repeat("n", 201), strings.Repeat("é", 101), "a\x00b", "\xff"} {
		if err := c.SaveCheckpoint(e.ctx, name, at); !errors.Is(err, es.ErrInvalidName) {
			e.Fatalf("SaveCheckpoint named %.40q: error %v, want es.ErrInvalidName", name, err)
		}
		if p, err := c.Checkpoint(e.ctx, name); !errors.Is(err, es.ErrInvalidName) || p != 0 {
			e.Fatalf("Checkpoint named %.40q: %d and error %v, want es.ErrInvalidName", name, p, err)
		}
	}
}

func checkpointAfterReopening(e *env) {
	c := capability[es.Checkpoints](e, e.store)
	e.needPlace()
	at := e.positions(3)
	e.saveCheckpoint(c, "one", at[0])
	e.saveCheckpoint(c, "two", at[2])
	e.saveCheckpoint(c, "two", at[1])
	e.reopen()
	c = capability[es.Checkpoints](e, e.store)
	e.wantCheckpoint(c, "one", at[0])
	e.wantCheckpoint(c, "two", at[1])
	e.wantCheckpoint(c, "three", 0)
}

func checkpointConcurrent(e *env) {
	capability[es.Checkpoints](e, e.store)
	at := e.positions(10)
	stores := e.handles()
	e.concurrently(12, func(i int) error {
		s := stores[i%len(stores)]
		if i >= 8 {
			_, err := s.Append(e.ctx, write(stream("b"), es.Any, e.events(3)...))
			return err
		}
		c, _ := es.Capability[es.Checkpoints](s)
		for _, p := range at[:i+1] {
			if err := c.SaveCheckpoint(e.ctx, fmt.Sprint("reader-", i), p); err != nil {
				return err
			}
			if got, err := c.Checkpoint(e.ctx, fmt.Sprint("reader-", i)); err != nil || got != p {
				return fmt.Errorf("checkpoint of reader %d is %d, %v, want %d", i, got, err, p)
			}
		}
		return nil
	})
	for i := range 8 {
		for _, s := range stores {
			e.wantCheckpoint(capability[es.Checkpoints](e, s), fmt.Sprint("reader-", i), at[i])
		}
	}
}
