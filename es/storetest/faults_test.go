package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// faults are the stores that break a clause, in the order of the clauses.
var faults = slices.Concat(appendFaults, expectedFaults, idempotencyFaults, payloadFaults, readFaults, loadFaults, feedFaults, readerFaults, progressFaults, timerFaults, iteratorFaults, lifeFaults)

// each applies a change to the values of an iterator; one that it refuses is left out.
func each[V any](seq iter.Seq2[V, error], change func(*V) bool) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		for v, err := range seq {
			if (err != nil || change(&v)) && !yield(v, err) {
				return
			}
		}
	}
}

// changed returns the writes with their events changed.
func changed(writes []es.Write, change func(*es.Event)) []es.Write {
	writes = slices.Clone(writes)
	for i := range writes {
		writes[i].Events = slices.Clone(writes[i].Events)
		for k := range writes[i].Events {
			change(&writes[i].Events[k])
		}
	}
	return writes
}

func expecting(writes []es.Write, change func(es.Write) es.Expected) []es.Write {
	writes = slices.Clone(writes)
	for i := range writes {
		writes[i].Expect = change(writes[i])
	}
	return writes
}

// version reads a stream's.
func version(j *journal, s es.Stream) (v es.Version) {
	for rec, err := range j.Read(context.Background(), es.ReadQuery{Stream: s, Backwards: true, Limit: 1}) {
		if err == nil {
			v = rec.Version
		}
	}
	return v
}

var errDriver = errors.New("driver: SQLSTATE 23505")

type ctxt = context.Context

var appendFaults = []fault{
	{"Append/Receipt", "returns the position of a write's first event", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			for i := range r.Streams {
				r.Streams[i].Position -= es.Position(r.Streams[i].Last - r.Streams[i].First)
			}
			return r, err
		}
	}},
	{"Append/AllOrNothing", "appends stream by stream", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (all es.Receipt, err error) {
			for _, w := range writes {
				r, err := j.Append(ctx, w)
				if err != nil {
					return r, err
				}
				all.Streams = append(all.Streams, r.Streams...)
			}
			return all, nil
		}
	}},
	{"Append/AtomicToReaders", "appends event by event", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (r es.Receipt, err error) {
			for _, w := range writes {
				for i := range w.Events {
					if r, err = j.Append(ctx, write(w.Stream, w.Expect, w.Events[i])); err != nil {
						return r, err
					}
					time.Sleep(100 * time.Microsecond)
				}
			}
			return r, nil
		}
	}},
	{"Append/AppendOnly", "lets a repeated append change the metadata", func(b *broken, j *journal) {
		var actors sync.Map
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			if err == nil {
				changed(writes, func(ev *es.Event) { actors.Store(ev.ID, ev.Meta.Actor) })
			}
			return r, err
		}
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			return each(j.Read(ctx, q), func(rec *es.Recorded) bool {
				actor, _ := actors.Load(rec.ID)
				rec.Meta.Actor = actor.(string)
				return true
			})
		}
	}},
	{"Append/OwnMemory", "keeps the caller's memory", func(b *broken, j *journal) {
		var data sync.Map
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			changed(writes, func(ev *es.Event) { data.Store(ev.ID, ev.Data) })
			return j.Append(ctx, writes...)
		}
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			return each(j.Read(ctx, q), func(rec *es.Recorded) bool {
				kept, _ := data.Load(rec.ID)
				rec.Data = kept.([]byte)
				return true
			})
		}
	}},
	{"Append/OwnMemory", "hands the same memory to all readers", func(b *broken, j *journal) {
		var metas sync.Map
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			return each(j.ReadAll(ctx, q), func(rec *es.Recorded) bool {
				kept, _ := metas.LoadOrStore(rec.ID, rec.Meta)
				rec.Meta = kept.(es.Metadata)
				return true
			})
		}
	}},
	{"Append/RecordedAt", "tells local time", func(b *broken, j *journal) {
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			return each(j.Read(ctx, q), func(rec *es.Recorded) bool {
				rec.RecordedAt = rec.RecordedAt.In(time.FixedZone("local", 3600))
				return true
			})
		}
	}},
	{"Append/StreamsApart", "takes no notice of case", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			writes = slices.Clone(writes)
			for i := range writes {
				writes[i].Stream.ID = strings.ToLower(writes[i].Stream.ID)
			}
			return j.Append(ctx, writes...)
		}
	}},
	{"Append/Limits", "takes fewer events than it says", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			if len(writes[0].Events) > 999 {
				return es.Receipt{}, errDriver
			}
			return j.Append(ctx, writes...)
		}
	}},
}

var expectedFaults = []fault{
	{"Expected/Table", "ignores StreamExists", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, expecting(writes, func(w es.Write) es.Expected {
				if w.Expect == es.StreamExists {
					return es.Any
				}
				return w.Expect
			})...)
		}
	}},
	{"Expected/OneWins", "leaks the driver's error", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			if errors.Is(err, es.ErrConflict) {
				err = errDriver
			}
			return r, err
		}
	}},
	{"Expected/OneWins", "checks before it writes", func(b *broken, j *journal) { b.append = checkedBefore(j) }},
	{"Expected/OneWinsOverSeveralStreams", "checks several streams before it writes", func(b *broken, j *journal) { b.append = checkedBefore(j) }},
	{"Expected/AnyNeverConflicts", "takes Any for the version that it reads", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			writes = expecting(writes, func(w es.Write) es.Expected { return es.Exactly(version(j, w.Stream)) })
			time.Sleep(100 * time.Microsecond)
			return j.Append(ctx, writes...)
		}
	}},
}

func checkedBefore(j *journal) func(ctxt, ...es.Write) (es.Receipt, error) {
	return func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
		for _, w := range writes {
			if actual := version(j, w.Stream); !w.Expect.Met(actual) {
				return es.Receipt{}, &es.ConflictError{Stream: w.Stream, Expected: w.Expect, Actual: actual}
			}
		}
		time.Sleep(100 * time.Microsecond)
		return j.Append(ctx, expecting(writes, func(es.Write) es.Expected { return es.Any })...)
	}
}

// answered changes the receipt of each append that succeeds.
func answered(change func(writes []es.Write, r *es.Receipt) error) func(b *broken, j *journal) {
	return func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			if err == nil {
				err = change(writes, &r)
			}
			return r, err
		}
	}
}

func notDuplicate(_ []es.Write, r *es.Receipt) error {
	r.Duplicate = false
	return nil
}

var idempotencyFaults = []fault{
	{"Idempotency/Repeat", "writes what is repeated again", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, changed(writes, func(ev *es.Event) { ev.ID = es.NewID() })...)
		}
	}},
	{"Idempotency/Repeat", "looks at the expectation first", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			for _, w := range writes {
				if actual := version(j, w.Stream); !w.Expect.Met(actual) {
					return es.Receipt{}, &es.ConflictError{Stream: w.Stream, Expected: w.Expect, Actual: actual}
				}
			}
			return j.Append(ctx, writes...)
		}
	}},
	{"Idempotency/PartOfAppends", "knows whole appends alone", func(b *broken, j *journal) {
		var firsts sync.Map
		answered(func(writes []es.Write, r *es.Receipt) error {
			first := writes[0].Events[0]
			if !r.Duplicate {
				firsts.Store(first.ID, true)
			} else if _, ok := firsts.Load(first.ID); !ok {
				return &es.IdempotencyError{Stream: writes[0].Stream, EventID: first.ID}
			}
			return nil
		})(b, j)
	}},
	{"Idempotency/SeveralStreams", "orders receipts by stream", answered(func(_ []es.Write, r *es.Receipt) error {
		slices.SortFunc(r.Streams, func(a, b es.Written) int { return strings.Compare(a.Stream.ID, b.Stream.ID) })
		return nil
	})},
	{"Idempotency/Refused", "writes what is new of a partial repeat", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			if !errors.Is(err, es.ErrIdempotency) {
				return r, err
			}
			fresh := slices.Clone(writes[:1])
			fresh[0].Events = fresh[0].Events[len(fresh[0].Events)-1:]
			return j.Append(ctx, fresh...)
		}
	}},
	{"Idempotency/Refused", "takes other content for a repeat", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, changed(writes, func(ev *es.Event) {
				ev.Schema = min(ev.Schema, 1)
			})...)
		}
	}},
	{"Idempotency/IDsArePerStream", "wants ids to be unique in the store", func(b *broken, j *journal) {
		var streams sync.Map
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			for _, w := range writes {
				for _, ev := range w.Events {
					if s, found := streams.LoadOrStore(ev.ID, w.Stream); found && s != w.Stream {
						return es.Receipt{}, &es.IdempotencyError{Stream: w.Stream, EventID: ev.ID}
					}
				}
			}
			return j.Append(ctx, writes...)
		}
	}},
	{"Idempotency/Race", "never says Duplicate", answered(notDuplicate)},
	{"Idempotency/AfterReopening", "forgets the ids when it is closed", func(b *broken, j *journal) {
		var mine sync.Map
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			for _, w := range writes {
				for _, ev := range w.Events {
					mine.Store(ev.ID, true)
				}
			}
			r, err := j.Append(ctx, writes...)
			if first := r.Streams; r.Duplicate && j.shared.notesOf("opened") > 1 {
				return es.Receipt{}, &es.ConflictError{Stream: first[0].Stream}
			}
			return r, err
		}
		j.shared.noteOf("opened")
	}},
}

// noteOf counts something over all journals at a path, and notesOf tells how often.
func (s *sharedJournal) noteOf(name string) int64 {
	n, _ := s.notes.LoadOrStore(name, new(atomic.Int64))
	return n.(*atomic.Int64).Add(1)
}

func (s *sharedJournal) notesOf(name string) int64 {
	n, _ := s.notes.LoadOrStore(name, new(atomic.Int64))
	return n.(*atomic.Int64).Load()
}

// stores changes each event before it is appended.
func stores(change func(ev *es.Event)) func(b *broken, j *journal) {
	return func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, changed(writes, change)...)
		}
	}
}

var payloadFaults = []fault{
	{"Payload/Data", "compacts the data", stores(func(ev *es.Event) {
		var compact bytes.Buffer
		if json.Compact(&compact, ev.Data) == nil {
			ev.Data = compact.Bytes()
		}
	})},
	{"Payload/Data", "loses U+0000", stores(func(ev *es.Event) { ev.Data = bytes.ReplaceAll(ev.Data, []byte(`\u0000`), []byte(``)) })},
	{"Payload/Size", "takes one byte more than it says", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, changed(writes, func(ev *es.Event) { ev.Data = ev.Data[:min(len(ev.Data), j.Limits().EventBytes)] })...)
		}
	}},
	{"Payload/Metadata", "drops keys without a value", stores(func(ev *es.Event) {
		ev.Meta.Keys = maps.Clone(ev.Meta.Keys)
		maps.DeleteFunc(ev.Meta.Keys, func(_, v string) bool { return v == "" })
	})},
	{"Payload/Identity", "lowers the case of types", stores(func(ev *es.Event) { ev.Type = strings.ToLower(ev.Type) })},
	{"Invalid/Table", "raises a schema version of 0", stores(func(ev *es.Event) { ev.Schema = max(ev.Schema, 1) })},
	{"Invalid/Table", "refuses without names", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			var invalid *es.InvalidError
			if errors.As(err, &invalid) {
				err = invalid.Err
			}
			return r, err
		}
	}},
	{"Invalid/Names", "takes an impossible name for a missing stream", func(b *broken, j *journal) {
		b.load = func(ctx ctxt, q es.LoadQuery) iter.Seq2[es.Row, error] {
			if q.Stream.Validate() != nil {
				return func(func(es.Row, error) bool) {}
			}
			return j.Load(ctx, q)
		}
	}},
	{"Invalid/Names", "filters the feed by what it is given", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			if q.Validate() != nil {
				return func(func(es.Recorded, error) bool) {}
			}
			return j.ReadAll(ctx, q)
		}
	}},
	{"Invalid/Names", "saves snapshots that nobody can load", func(b *broken, j *journal) {
		b.saveSnapshot = func(ctx ctxt, s es.Snapshot) error {
			if s.Fingerprint == "" {
				s.Fingerprint = "none"
			}
			return j.SaveSnapshot(ctx, s)
		}
	}},
	{"Invalid/Names", "lists after anything", func(b *broken, j *journal) {
		b.streams = func(ctx ctxt, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
			if q.Validate() != nil {
				q.After = ""
			}
			return j.Streams(ctx, q)
		}
	}},
	{"Invalid/Numbers", "takes a negative version for 0", asks(func(q *es.ReadQuery) { q.From = max(q.From, 0) })},
	{"Invalid/Numbers", "sets Scanned before it looks at the query", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			return func(yield func(es.Recorded, error) bool) {
				if q.Scanned != nil {
					*q.Scanned = q.After
				}
				j.ReadAll(ctx, q)(yield)
			}
		}
	}},
	{"Invalid/Numbers", "takes a negative checkpoint for 0", func(b *broken, j *journal) {
		b.saveCheckpoint = func(ctx ctxt, name string, p es.Position) error { return j.SaveCheckpoint(ctx, name, max(p, 0)) }
	}},
}

// asks changes each query of one stream.
func asks(change func(q *es.ReadQuery)) func(b *broken, j *journal) {
	return func(b *broken, j *journal) {
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			change(&q)
			return j.Read(ctx, q)
		}
	}
}

func asksLoad(change func(q *es.LoadQuery)) func(b *broken, j *journal) {
	return func(b *broken, j *journal) {
		b.load = func(ctx ctxt, q es.LoadQuery) iter.Seq2[es.Row, error] {
			change(&q)
			return j.Load(ctx, q)
		}
	}
}

var readFaults = []fault{
	{"Read/Ranges", "reads from the event after From", asks(func(q *es.ReadQuery) {
		if q.From > 1 && !q.Backwards {
			q.From++
		}
	})},
	{"Read/MissingStream", "yields nothing of a missing stream", func(b *broken, j *journal) {
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			if version(j, q.Stream) == 0 {
				return func(func(es.Recorded, error) bool) {}
			}
			return j.Read(ctx, q)
		}
	}},
	{"Read/LongStream", "reads one page", asks(func(q *es.ReadQuery) {
		if q.Limit == 0 || q.Limit > 256 {
			q.Limit = 256
		}
	})},
	{"Model/RandomCalls", "takes no notice of expectations", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			return j.Append(ctx, expecting(writes, func(es.Write) es.Expected { return es.Any })...)
		}
	}},
}

var loadFaults = []fault{
	{"Load/Events", "takes no UpTo", asksLoad(func(q *es.LoadQuery) { q.UpTo = 0 })},
	{"Load/Snapshot", "uses any snapshot as of a time", asksLoad(func(q *es.LoadQuery) { q.AsOf = time.Time{} })},
	{"Load/AsOf", "leaves out what was recorded at that time", asksLoad(func(q *es.LoadQuery) {
		if !q.AsOf.IsZero() {
			q.AsOf = q.AsOf.Add(-time.Microsecond)
		}
	})},
	{"Load/Unless", "takes no Unless", asksLoad(func(q *es.LoadQuery) { q.Unless = uuid.Nil })},
	{"Load/OwnBuffers", "shares one buffer between loads", func(b *broken, j *journal) {
		buffer := make([]byte, 1<<10)
		b.load = func(ctx ctxt, q es.LoadQuery) iter.Seq2[es.Row, error] {
			return each(j.Load(ctx, q), func(row *es.Row) bool {
				row.Data = buffer[:copy(buffer, row.Data)]
				return true
			})
		}
	}},
	{"Snapshot/NeverGoesBack", "keeps the snapshot that was saved first", func(b *broken, j *journal) {
		var have sync.Map
		b.saveSnapshot = func(ctx ctxt, s es.Snapshot) error {
			if _, found := have.LoadOrStore(s.Fingerprint, true); found {
				return nil
			}
			return j.SaveSnapshot(ctx, s)
		}
	}},
	{"Snapshot/Refused", "drops a snapshot beyond its stream in silence", func(b *broken, j *journal) {
		b.saveSnapshot = func(ctx ctxt, s es.Snapshot) error {
			_ = j.SaveSnapshot(ctx, s)
			return nil
		}
	}},
	{"Snapshot/Bytes", "keeps valid text alone", func(b *broken, j *journal) {
		b.saveSnapshot = func(ctx ctxt, s es.Snapshot) error {
			s.Data = bytes.ToValidUTF8(s.Data, nil)
			return j.SaveSnapshot(ctx, s)
		}
	}},
	{"Snapshot/AfterReopening", "keeps snapshots while it is open", func(b *broken, j *journal) {
		opened := es.NewID().String()
		b.saveSnapshot = func(ctx ctxt, s es.Snapshot) error {
			s.Fingerprint += opened
			return j.SaveSnapshot(ctx, s)
		}
		asksLoad(func(q *es.LoadQuery) { q.Fingerprint += opened })(b, j)
	}},
}

// feeds leaves events out of the feed.
func feeds(shows func(rec *es.Recorded) bool) func(b *broken, j *journal) {
	return func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] { return each(j.ReadAll(ctx, q), shows) }
	}
}

var feedFaults = []fault{
	{"Feed/Order", "leaves an event out of the feed", feeds(func(rec *es.Recorded) bool { return rec.Position != 7 })},
	{"Feed/Query", "tells the position of the turn before", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			at, scanned := q.After, q.Scanned
			q.Scanned = &at
			return func(yield func(es.Recorded, error) bool) {
				for rec, err := range j.ReadAll(ctx, q) {
					if !yield(rec, err) {
						return
					}
					if scanned != nil {
						*scanned = at
					}
				}
			}
		}
	}},
	{"Feed/FilterAdvances", "counts what it yields as scanned, not what it leaves out", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			scanned := q.Scanned
			q.Scanned = nil
			return func(yield func(es.Recorded, error) bool) {
				for rec, err := range j.ReadAll(ctx, q) {
					if scanned != nil {
						*scanned = rec.Position
					}
					if !yield(rec, err) {
						return
					}
				}
			}
		}
	}},
	{"Feed/BeyondHead", "yields nothing after a position beyond the head", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			head, _ := j.Head(ctx)
			q.After = min(q.After, head)
			return j.ReadAll(ctx, q)
		}
	}},
	{"Feed/Head", "has a head before there are events", func(b *broken, j *journal) {
		b.head = func(ctx ctxt) (es.Position, error) {
			head, err := j.Head(ctx)
			return max(head, 1), err
		}
	}},
	{"Feed/EndsAtTheHead", "reads on while there is more", func(b *broken, j *journal) {
		b.readAll = func(ctx ctxt, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
			return func(yield func(es.Recorded, error) bool) {
				for more := true; more; {
					more = false
					for rec, err := range j.ReadAll(ctx, q) {
						if !yield(rec, err) || err != nil {
							return
						}
						more, q.After = true, rec.Position
					}
				}
			}
		}
	}},
	{"Feed/StablePrefix", "shows some positions late", func(b *broken, j *journal) {
		// As a writer does that commits after one that took its position later: some reader has seen that one by then.
		var seen atomic.Int64
		feeds(func(rec *es.Recorded) bool {
			at := int64(rec.Position)
			if head, err := j.Store.Head(context.Background()); err != nil || at%5 == 0 && at < int64(head) && seen.Load() < at {
				return false
			}
			for was := seen.Load(); was < at && !seen.CompareAndSwap(was, at); was = seen.Load() {
			}
			return true
		})(b, j)
	}},
}

var readerFaults = []fault{
	{"Checkpoint/KeepsPositions", "never lowers a checkpoint", func(b *broken, j *journal) {
		b.saveCheckpoint = func(ctx ctxt, name string, p es.Position) error {
			at, err := j.Checkpoint(ctx, name)
			return errors.Join(err, j.SaveCheckpoint(ctx, name, max(p, at)))
		}
	}},
	{"Checkpoint/BeyondHead", "lowers a checkpoint beyond the head", func(b *broken, j *journal) {
		b.saveCheckpoint = func(ctx ctxt, name string, p es.Position) error {
			head, err := j.Head(ctx)
			return errors.Join(err, j.SaveCheckpoint(ctx, name, min(p, head)))
		}
	}},
	{"Checkpoint/Names", "cuts long names", func(b *broken, j *journal) {
		b.saveCheckpoint = func(ctx ctxt, name string, p es.Position) error {
			return j.SaveCheckpoint(ctx, name[:min(len(name), 200)], p)
		}
	}},
	{"Checkpoint/AfterReopening", "keeps checkpoints while it is open", func(b *broken, j *journal) {
		var saved sync.Map
		b.saveCheckpoint = func(_ ctxt, name string, p es.Position) error {
			saved.Store(name, p)
			return nil
		}
		b.checkpoint = func(_ ctxt, name string) (es.Position, error) {
			p, _ := saved.LoadOrStore(name, es.Position(0))
			return p.(es.Position), nil
		}
	}},
	{"Checkpoint/Concurrent", "takes names that begin alike for one", func(b *broken, j *journal) {
		b.saveCheckpoint = func(ctx ctxt, name string, p es.Position) error {
			return j.SaveCheckpoint(ctx, name[:len(name)-1], p)
		}
		b.checkpoint = func(ctx ctxt, name string) (es.Position, error) { return j.Checkpoint(ctx, name[:len(name)-1]) }
	}},
	{"List/Order", "lists streams of categories that begin alike", func(b *broken, j *journal) {
		b.streams = func(ctx ctxt, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
			if q.Category == "storetes" {
				q.Category = "storetest"
			}
			return j.Streams(ctx, q)
		}
	}},
	{"List/Paging", "begins a page with the last stream of the page before", func(b *broken, j *journal) {
		b.streams = func(ctx ctxt, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
			if q.After != "" {
				q.After = q.After[:len(q.After)-1]
			}
			return j.Streams(ctx, q)
		}
	}},
	{"Watch/Wakes", "signals no appends of others", func(b *broken, j *journal) {
		b.watch = func(ctx ctxt) <-chan struct{} {
			signals := make(chan struct{}, 1)
			signals <- struct{}{}
			return signals
		}
	}},
	{"Watch/Coalesces", "queues a signal for each append", func(b *broken, j *journal) {
		var watchers []chan struct{}
		b.watch = func(ctx ctxt) <-chan struct{} {
			watchers = append(watchers, make(chan struct{}, 1000))
			return watchers[len(watchers)-1]
		}
		answered(func([]es.Write, *es.Receipt) error {
			for _, w := range watchers {
				w <- struct{}{}
			}
			return nil
		})(b, j)
	}},
	{"Watch/Ends", "goes on after the context ended", func(b *broken, j *journal) {
		b.watch = func(ctx ctxt) <-chan struct{} { return j.Watch(context.WithoutCancel(ctx)) }
	}},
	{"Watch/Ends", "leaves a goroutine for each watch", func(b *broken, j *journal) {
		b.watch = func(ctx ctxt) <-chan struct{} {
			go func() { <-j.closed }()
			return j.Watch(ctx)
		}
	}},
	{"Watch/Follow", "loses an event of the feed", feeds(func(rec *es.Recorded) bool { return rec.Position != 50 })},
}

// pooled holds one of few connections during a loop, and each append needs one too.
func pooled(b *broken, j *journal) {
	const connections = 3
	free := make(chan struct{}, connections)
	connect := func() error {
		select {
		case free <- struct{}{}:
			return nil
		case <-time.After(20 * time.Millisecond):
			return errors.New("driver: no connection is free")
		}
	}
	b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
		if err := connect(); err != nil {
			return es.Receipt{}, err
		}
		defer func() { <-free }()
		return j.Append(ctx, writes...)
	}
	b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
		return func(yield func(es.Recorded, error) bool) {
			if err := connect(); err != nil {
				yield(es.Recorded{}, err)
				return
			}
			defer func() { <-free }()
			j.Read(ctx, q)(yield)
		}
	}
}

// uncancelled reads on after the context ended.
func uncancelled(b *broken, j *journal) {
	b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
		return j.Read(context.WithoutCancel(ctx), q)
	}
}

var iteratorFaults = []fault{
	{"Iterator/BodyUsesTheStore", "holds a connection during a loop", pooled},
	{"Iterator/SlowReadersHoldNobodyUp", "holds a connection while a loop stands still", pooled},
	{"Iterator/Break", "leaves a goroutine of each loop that is broken off", func(b *broken, j *journal) {
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			return func(yield func(es.Recorded, error) bool) {
				type item struct {
					rec es.Recorded
					err error
				}
				items := make(chan item)
				go func() {
					defer close(items)
					for rec, err := range j.Read(ctx, q) {
						select {
						case items <- item{rec, err}:
						case <-j.closed:
							return
						}
					}
				}()
				for i := range items {
					if !yield(i.rec, i.err) {
						return
					}
				}
			}
		}
	}},
	{"Iterator/ContextEnds", "reads a page to its end after the context ended", uncancelled},
	{"Context/EndedBefore", "reads though the context had ended", uncancelled},
	{"Context/EndsMidway", "leaks the driver's error for a context that ended", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			time.Sleep(100 * time.Microsecond)
			if ctx.Err() != nil {
				return es.Receipt{}, errDriver
			}
			return j.Append(ctx, writes...)
		}
	}},
	{"Context/EndsMidway", "acknowledges an append that it gave up", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			time.Sleep(100 * time.Microsecond)
			r, err := j.Append(ctx, writes...)
			if errors.Is(err, context.Canceled) {
				err = nil
			}
			return r, err
		}
	}},
	{"Context/OthersGoOn", "is of no use after one context ended", func(b *broken, j *journal) {
		var poisoned atomic.Bool
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			if poisoned.Load() {
				return es.Receipt{}, errDriver
			}
			r, err := j.Append(ctx, writes...)
			if ctx.Err() != nil {
				poisoned.Store(true)
			}
			return r, err
		}
	}},
}

var lifeFaults = []fault{
	{"Close/ThenErrClosed", "goes on after it was closed", func(b *broken, j *journal) { b.close = func() error { return nil } }},
	{"Close/DuringAppends", "leaks the driver's error when it is closed", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			r, err := j.Append(ctx, writes...)
			if errors.Is(err, es.ErrClosed) {
				err = errDriver
			}
			return r, err
		}
	}},
	{"Close/OthersGoOn", "closes all that are open at its place", func(b *broken, j *journal) {
		b.close = func() error { return errors.Join(j.Store.Close(), j.Close()) }
	}},
	{"Durability/AfterReopening", "loses the last append when it is closed", func(b *broken, j *journal) {
		last := j.shared.store
		head, _ := last.Head(context.Background())
		if head > 0 {
			b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
				return each(j.Read(ctx, q), func(rec *es.Recorded) bool { return rec.Position < head })
			}
		}
	}},
	{"Durability/SeenByOthers", "reads what it knew when it was opened, and its own", func(b *broken, j *journal) {
		known, _ := j.Head(context.Background())
		var mine sync.Map
		b.append = func(ctx ctxt, writes ...es.Write) (es.Receipt, error) {
			changed(writes, func(ev *es.Event) { mine.Store(ev.ID, true) })
			return j.Append(ctx, writes...)
		}
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			return each(j.Read(ctx, q), func(rec *es.Recorded) bool {
				_, own := mine.Load(rec.ID)
				return own || rec.Position <= known
			})
		}
	}},
	{"Linearizable/Stream", "reads a stream as it was before its last event", func(b *broken, j *journal) {
		b.read = func(ctx ctxt, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
			last := version(j, q.Stream)
			return each(j.Read(ctx, q), func(rec *es.Recorded) bool { return rec.Version != last })
		}
	}},
	{"Durability/Kill", "acknowledges before it has written", func(_ *broken, j *journal) { j.shared.buffered() }},
	{"Durability/Kill", "writes an append in two", func(b *broken, j *journal) {
		b.append = func(ctx ctxt, writes ...es.Write) (all es.Receipt, err error) {
			for i, w := range writes {
				if i > 0 {
					time.Sleep(5 * time.Millisecond) // most of an append's time, so that a kill falls into it
				}
				r, err := j.Append(ctx, w)
				if err != nil {
					return r, err
				}
				all.Streams = append(all.Streams, r.Streams...)
			}
			return all, nil
		}
	}},
}
