package storetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

var durabilityClauses = []Clause{
	{
		Name:    "Durability/AfterReopening",
		Promise: "What was appended is there after the store was closed and opened again, and appending goes on from it.",
		check:   durabilityAfterReopening,
	},
	{
		Name:    "Durability/SeenByOthers",
		Promise: "What one open store acknowledged, another one at the same place reads at once.",
		check:   durabilitySeenByOthers,
	},
	{
		Name: "Durability/Kill",
		Promise: "A process that appends to several streams from several goroutines, saves snapshots and checkpoints, and is killed (SIGKILL): whatever it acknowledged is there, " +
			"no append is torn, versions have no gaps, the feed agrees with the streams, no snapshot is ahead of its stream, and appending goes on. Several times over.",
		Unforced: "the loss of what the operating system holds but has not written: show the sync before the acknowledgement in a test of the engine's own.",
		check:    durabilityKill,
	},
}

func durabilityAfterReopening(e *env) {
	e.needPlace()
	a, b := stream("a"), stream("b")
	head := es.Position(0)
	for round := range es.Version(3) {
		r := e.append(e.store, write(a, es.Exactly(2*round), e.events(2)...), write(b, es.Exactly(round), e.event()))
		for _, w := range r.Streams {
			if w.Position <= head {
				e.Fatalf("an append after reopening was given position %d, the head was %d", w.Position, head)
			}
		}
		head = max(r.Streams[0].Position, r.Streams[1].Position)
		before := e.content(e.store, a, b)
		e.reopen()
		e.unchanged("closing the store and opening it again", before)
	}
}

func durabilitySeenByOthers(e *env) {
	other := e.second()
	a := stream("a")
	for round := range es.Version(10) {
		writer, reader := e.store, other
		if round%2 == 1 {
			writer, reader = other, e.store
		}
		r := e.append(writer, write(a, es.Exactly(round), e.event()))
		if recs := e.read(reader, es.ReadQuery{Stream: a}); len(recs) != int(round)+1 || recs[round].Position != r.Streams[0].Position {
			e.Fatalf("another open store reads %d events of %d that were acknowledged", len(recs), round+1)
		}
		if rows := e.load(reader, es.LoadQuery{Stream: a}); len(rows) != int(round)+1 {
			e.Fatalf("another open store loads %d events of %d that were acknowledged", len(rows), round+1)
		}
	}
	if d := diff(e.content(e.store, a), e.content(other, a)); d != "" {
		e.Fatalf("two open stores at one place differ:\n%s", d)
	}
}

// The child process is this test binary: it runs the test that called the suite, finds
// these in its environment, and becomes the writer.
const (
	childTest  = "ESGEN_STORETEST_CHILD" // the name of the test
	childPlace = "ESGEN_STORETEST_PLACE"
)

// acknowledgement is a line that the child prints after a call returned.
type acknowledgement struct {
	Append     []es.Written `json:",omitempty"`
	IDs        []uuid.UUID  `json:",omitempty"` // of the first write, the last one of each other
	Checkpoint es.Position  `json:",omitempty"`
	Name       string       `json:",omitempty"` // of the checkpoint
}

// part is the data of the child's events: which append it belongs to, and of how many
// events that is.
type part struct {
	Append uuid.UUID
	Of     int
}

const childWriters = 4

// runChild becomes the child process of a Durability clause, if this is one.
func runChild(t testing.TB, h Harness) bool {
	name := os.Getenv(childTest)
	if name == "" {
		return false
	}
	if name != t.Name() {
		return true
	}
	go func() { // not to outlive the parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	s, err := h.Open(t.Context(), os.Getenv(childPlace))
	if err != nil {
		t.Fatalf("the child process, opening the store: %v", err)
	}
	failed := make(chan error)
	for i := range childWriters {
		go func() { failed <- appendUntilKilled(t, s, i) }()
	}
	t.Fatalf("the child process, writing until it is killed: %v", <-failed)
	return true
}

func appendUntilKilled(t testing.TB, s es.Store, writer int) error {
	ctx := t.Context()
	own := es.Stream{Category: "child", ID: fmt.Sprint("own-", writer)}
	shared := es.Stream{Category: "child", ID: "shared"}
	version := es.Version(0)
	for _, err := range s.Load(ctx, es.LoadQuery{Stream: own}) {
		if err != nil {
			return err
		}
		version++
	}
	name := fmt.Sprint("reader-", writer)
	for n := 0; ; n++ {
		mine := make([]es.Event, 1+n%4)
		of := len(mine)
		if n%2 == 0 {
			of++
		}
		made := es.NewID()
		data, err := json.Marshal(part{made, of})
		if err != nil {
			return err
		}
		for i := range mine {
			mine[i] = es.Event{ID: es.NewID(), Type: "child.wrote", Schema: 1, Data: data}
		}
		writes := []es.Write{write(own, es.Exactly(version), mine...)}
		if n%2 == 0 {
			writes = append(writes, write(shared, es.Any, es.Event{ID: es.NewID(), Type: "child.wrote", Schema: 1, Data: data}))
		}
		r, err := s.Append(ctx, writes...)
		if err != nil {
			return err
		}
		version = r.Streams[0].Last
		ack := acknowledgement{Append: r.Streams}
		for _, ev := range mine {
			ack.IDs = append(ack.IDs, ev.ID)
		}
		if n%2 == 0 {
			ack.IDs = append(ack.IDs, writes[1].Events[0].ID)
		}
		if err := acknowledge(ack); err != nil {
			return err
		}
		if n%5 == 0 {
			// Not acknowledged: it is a cache.
			if err := s.SaveSnapshot(ctx, es.Snapshot{Stream: own, Version: version, Fingerprint: "f", Data: stateAt(version)}); err != nil {
				return err
			}
		}
		c, ok := es.Capability[es.Checkpoints](s)
		if n%3 != 0 || !ok {
			continue
		}
		p := r.Streams[0].Position
		if f, ok := es.Capability[es.Feed](s); ok { // which may lag behind
			head, err := f.Head(ctx)
			if err != nil {
				return err
			}
			p = min(p, head)
		}
		if err := c.SaveCheckpoint(ctx, name, p); err != nil {
			return err
		}
		if err := acknowledge(acknowledgement{Checkpoint: p, Name: name}); err != nil {
			return err
		}
	}
}

// stateAt is the data of the child's snapshots.
func stateAt(v es.Version) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d ", v), 500) }

const acknowledged = "acknowledged "

// acknowledge prints a line in one write, so that a kill can't tear those before it.
func acknowledge(ack acknowledgement) error {
	line, err := json.Marshal(ack)
	if err != nil {
		return err
	}
	_, err = os.Stdout.WriteString("\n" + acknowledged + string(line) + "\n")
	return err
}

func durabilityKill(e *env) {
	e.needPlace()
	if err := closeStore(e.store); err != nil {
		e.Fatalf("Close: %v", err)
	}
	var acks []acknowledgement
	for range some(5) {
		acks = append(acks, e.killedChild(10+rand.IntN(150))...)
		e.store = e.open()
		e.checkKilled(acks)
		e.fill(stream("parent"), 1)
		if err := closeStore(e.store); err != nil {
			e.Fatalf("Close: %v", err)
		}
	}
}

// killedChild starts a child process, kills it soon after so many acknowledgements, and
// returns all that it printed.
func (e *env) killedChild(after int) (acks []acknowledgement) {
	e.Helper()
	program, err := os.Executable()
	if err != nil {
		e.Fatalf("finding the test binary: %v", err)
	}
	var pattern []string
	for name := range strings.SplitSeq(e.harness.test, "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(name)+"$")
	}
	child := exec.CommandContext(e.ctx, program, "-test.run="+strings.Join(pattern, "/"), "-test.count=1")
	child.Env = append(os.Environ(), childTest+"="+e.harness.test, childPlace+"="+e.place)
	stdin, err := child.StdinPipe()
	if err != nil {
		e.Fatalf("starting a child process: %v", err)
	}
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	if err != nil {
		e.Fatalf("starting a child process: %v", err)
	}
	var noise, stderr bytes.Buffer
	child.Stderr = &stderr
	if err := child.Start(); err != nil {
		e.Fatalf("starting a child process: %v", err)
	}
	killed := false
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), acknowledged)
		if !ok {
			if !killed {
				fmt.Fprintln(&noise, lines.Text())
			}
			continue
		}
		var ack acknowledgement
		if err := json.Unmarshal([]byte(text), &ack); err != nil {
			if killed {
				break // the line that the kill cut off
			}
			e.Fatalf("reading an acknowledgement %.200q: %v", text, err)
		}
		if acks = append(acks, ack); len(acks) == after {
			time.AfterFunc(time.Duration(rand.IntN(2000))*time.Microsecond, func() { _ = child.Process.Kill() })
			killed = true
		}
	}
	_ = child.Wait()
	if !killed {
		e.Fatalf("the child process ended by itself after %d acknowledgements:\n%s%s", len(acks), &noise, &stderr)
	}
	return acks
}

// checkKilled compares the store with all that was acknowledged.
func (e *env) checkKilled(acks []acknowledgement) {
	e.Helper()
	streams := map[es.Stream][]es.Recorded{}
	names := []es.Stream{{Category: "child", ID: "shared"}}
	for i := range childWriters {
		names = append(names, es.Stream{Category: "child", ID: fmt.Sprint("own-", i)})
	}
	parts := map[part]int{}
	for _, s := range names {
		streams[s] = e.read(e.store, es.ReadQuery{Stream: s})
		for i, rec := range streams[s] {
			if rec.Version != es.Version(i+1) {
				e.Fatalf("after a kill, event %d of %s has version %d", i+1, s, rec.Version)
			}
			var p part
			if err := json.Unmarshal(rec.Data, &p); err != nil {
				e.Fatalf("after a kill, data of version %d of %s: %v", rec.Version, s, err)
			}
			parts[p]++
		}
	}
	for p, n := range parts {
		if n != p.Of {
			e.Fatalf("after a kill, an append of %d events is torn: %d are there", p.Of, n)
		}
	}
	checkpoints := map[string]es.Position{}
	for _, ack := range acks {
		ids := ack.IDs
		for _, w := range ack.Append {
			recs := streams[w.Stream]
			if es.Version(len(recs)) < w.Last {
				e.Fatalf("after a kill, %s has %d events, acknowledged were %d", w.Stream, len(recs), w.Last)
			}
			for v := w.First; v <= w.Last; v++ {
				if recs[v-1].ID != ids[0] {
					e.Fatalf("after a kill, version %d of %s is event %s, acknowledged was %s", v, w.Stream, recs[v-1].ID, ids[0])
				}
				ids = ids[1:]
			}
			if got := recs[w.Last-1].Position; got != w.Position {
				e.Fatalf("after a kill, version %d of %s is at position %d, acknowledged was %d", w.Last, w.Stream, got, w.Position)
			}
		}
		if ack.Name != "" {
			checkpoints[ack.Name] = max(checkpoints[ack.Name], ack.Checkpoint)
		}
	}
	e.checkKilledSnapshots(streams)
	if c, ok := es.Capability[es.Checkpoints](e.store); ok {
		for name, least := range checkpoints {
			if got, err := c.Checkpoint(e.ctx, name); err != nil || got < least {
				e.Fatalf("after a kill, checkpoint %s is %d, %v, acknowledged was %d", name, got, err, least)
			}
		}
	}
	if f, ok := es.Capability[es.Feed](e.store); ok {
		fed := map[es.Stream][]es.Recorded{}
		for _, rec := range e.feed(e.store) {
			fed[rec.Stream] = append(fed[rec.Stream], rec)
		}
		for s, recs := range streams {
			if d := diff(recs, fed[s]); d != "" {
				e.Fatalf("after a kill, the feed's events of %s are not the stream's (-stream +feed):\n%s", s, d)
			}
		}
		e.settled(f)
	}
}

// checkKilledSnapshots sees to it that a load from a snapshot equals one without. A
// snapshot is a cache and may be lost, but not wrong.
func (e *env) checkKilledSnapshots(streams map[es.Stream][]es.Recorded) {
	e.Helper()
	for s, recs := range streams {
		rows := e.load(e.store, es.LoadQuery{Stream: s, Fingerprint: "f"})
		at := es.Version(0)
		if len(rows) > 0 && rows[0].Type == "" {
			at = rows[0].Version
			if !bytes.Equal(rows[0].Data, stateAt(at)) {
				e.Fatalf("after a kill, the snapshot of %s at version %d holds %.40q…", s, at, rows[0].Data)
			}
			rows = rows[1:]
		}
		if int(at)+len(rows) != len(recs) {
			e.Fatalf("after a kill, %s has %d events, and a load yields a snapshot at version %d and %d events", s, len(recs), at, len(rows))
		}
	}
}
