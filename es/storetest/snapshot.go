package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/esgen-go/esgen/es"
)

var snapshotClauses = []Clause{
	{
		Name:     "Snapshot/NeverGoesBack",
		Promise:  "A snapshot replaces an older one of its stream and fingerprint, or one of the same version, never a newer one, and none of another fingerprint; also when several are saved at once.",
		Unforced: "the moments inside the engine at which an older one would come last.",
		check:    snapshotNeverGoesBack,
	},
	{
		Name:    "Snapshot/Refused",
		Promise: "A snapshot of a version that its stream has not reached, or below 1, is refused with es.ErrNotFound and stored nowhere: events to come are not hidden.",
		check:   snapshotRefused,
	},
	{
		Name:    "Snapshot/Bytes",
		Promise: "A snapshot's data come back byte for byte, whatever they are, and are the store's own once it was saved.",
		check:   snapshotBytes,
	},
	{
		Name:    "Snapshot/AfterReopening",
		Promise: "Snapshots are there after the store was closed and opened again.",
		check:   snapshotAfterReopening,
	},
}

// snapshotOf returns the snapshot that a load begins with.
func (e *env) snapshotOf(s es.Stream, fingerprint string) (es.Version, []byte) {
	e.Helper()
	rows := e.load(e.store, es.LoadQuery{Stream: s, Fingerprint: fingerprint})
	if len(rows) == 0 || rows[0].Type != "" {
		return 0, nil
	}
	return rows[0].Version, rows[0].Data
}

func (e *env) wantSnapshot(s es.Stream, fingerprint string, version es.Version, data string) {
	e.Helper()
	if v, got := e.snapshotOf(s, fingerprint); v != version || string(got) != data {
		e.Fatalf("snapshot %s of %s: version %d with %.100q, want version %d with %.100q", fingerprint, s, v, got, version, data)
	}
}

func snapshotNeverGoesBack(e *env) {
	a := stream("a")
	e.fill(a, 50)
	e.saveSnapshot(a, 3, "f", "three")
	e.saveSnapshot(a, 5, "f", "five")
	e.saveSnapshot(a, 4, "f", "four")
	e.saveSnapshot(a, 1, "g", "one")
	e.wantSnapshot(a, "f", 5, "five")
	e.wantSnapshot(a, "g", 1, "one")
	e.saveSnapshot(a, 5, "f", "five again")
	e.wantSnapshot(a, "f", 5, "five again")

	stores := e.handles()
	for round := range some(10) {
		fingerprint := fmt.Sprint("round-", round)
		order := rand.Perm(10)
		e.concurrently(len(order), func(i int) error {
			v := es.Version(order[i] + 41)
			return stores[i%len(stores)].SaveSnapshot(e.ctx, es.Snapshot{Stream: a, Version: v, Fingerprint: fingerprint, Data: fmt.Append(nil, v)})
		})
		e.wantSnapshot(a, fingerprint, 50, "50")
	}
}

func snapshotRefused(e *env) {
	a := stream("a")
	events := e.fill(a, 3)
	for _, c := range []struct {
		stream  es.Stream
		version es.Version
	}{{a, 4}, {a, 1 << 60}, {a, 0}, {a, -1}, {stream("missing"), 1}, {stream("missing"), 0}} {
		err := e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: c.stream, Version: c.version, Fingerprint: "f", Data: []byte(`"bad"`)})
		if !errors.Is(err, es.ErrNotFound) {
			e.Fatalf("SaveSnapshot of %s at version %d, which it has not reached: error %v, want es.ErrNotFound", c.stream, c.version, err)
		}
	}
	events = append(events, e.fill(a, 2)...)
	missing := e.fill(stream("missing"), 2)
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f"}, rowsOf(events, 1))
	e.wantRows(es.LoadQuery{Stream: stream("missing"), Fingerprint: "f"}, rowsOf(missing, 1))
}

func snapshotBytes(e *env) {
	a := stream("a")
	e.fill(a, 1)
	for _, data := range []string{"", "{}", "\x00", "a\x00b", "\xff\xfe not UTF-8 \xc3", " { } \n", strings.Repeat("0123456789\x00\xff", 1<<20/12)} {
		mine := []byte(data)
		if err := e.store.SaveSnapshot(e.ctx, es.Snapshot{Stream: a, Version: 1, Fingerprint: "f", Data: mine}); err != nil {
			e.Fatalf("SaveSnapshot with data %.20q: %v", data, err)
		}
		for i := range mine {
			mine[i] = 'x'
		}
		v, got := e.snapshotOf(a, "f")
		if v != 1 || !bytes.Equal(got, []byte(data)) {
			e.Fatalf("a snapshot's %d bytes %.20q came back as %d, at version %d: %.20q", len(data), data, len(got), v, got)
		}
	}
}

func snapshotAfterReopening(e *env) {
	e.needPlace()
	a := stream("a")
	events := e.fill(a, 4)
	e.saveSnapshot(a, 2, "f", "two")
	e.saveSnapshot(a, 3, "g", "three")
	e.reopen()
	e.wantRows(es.LoadQuery{Stream: a, Fingerprint: "f"}, append([]es.Row{{Version: 2, Data: []byte("two")}}, rowsOf(events, 3)...))
	e.wantSnapshot(a, "g", 3, "three")
	e.saveSnapshot(a, 2, "g", "two")
	e.wantSnapshot(a, "g", 3, "three")
}
