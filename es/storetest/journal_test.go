package storetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
)

// journal is a store that outlives its process, as simple as one can be: the memory
// store, and a file with a line for each call that changed it. All journals that a
// process opens at one path share the memory store. It is what the suite is tested
// with, as it is and broken in many ways.
type journal struct {
	*memory.Store
	shared *sharedJournal
	closed chan struct{}
	once   sync.Once
}

type sharedJournal struct {
	mu     sync.Mutex
	path   string
	store  *memory.Store
	read   int64 // bytes of the file that the memory store has
	opened int
	file   *os.File
	write  func(line []byte) error
	notes  sync.Map // of broken journals
}

// entry is a line of the file, with what one call added. Expectations were met when it was written.
type entry struct {
	Streams    []es.Stream  `json:",omitempty"`
	Events     [][]es.Event `json:",omitempty"`
	Snapshot   *es.Snapshot `json:",omitempty"`
	Checkpoint *es.Position `json:",omitempty"`
	Name       string       `json:",omitempty"`

	Progress *es.Progress     `json:",omitempty"`
	Timers   *es.TimerChanges `json:",omitempty"` // with Progress and Name
	Timer    *es.Timer        `json:",omitempty"` // cleared
	Decision *decision        `json:",omitempty"`
	Beat     *es.Membership   `json:",omitempty"`
	Claim    *es.Claim        `json:",omitempty"`
	Release  []es.Claim       `json:",omitempty"`
	Member   uuid.UUID        // of a claim, or that leaves
	Left     bool             `json:",omitempty"`
	Forgot   bool             `json:",omitempty"`
}

type decision struct {
	Stream  es.Stream
	Version es.Version
	Verdict es.Verdict
}

var journals sync.Map // path to *sharedJournal

func openJournal(path string) (*journal, error) {
	found, _ := journals.LoadOrStore(path, &sharedJournal{path: path})
	s := found.(*sharedJournal)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == 0 {
		if s.store == nil {
			s.store = memory.New()
		}
		if err := s.replay(); err != nil {
			return nil, err
		}
	}
	s.opened++
	return &journal{Store: s.store, shared: s, closed: make(chan struct{})}, nil
}

// replay brings the memory store up to the file, which another process may have
// written to, and drops a line that it was killed in.
func (s *sharedJournal) replay() (err error) {
	if s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	s.write = func(line []byte) error {
		_, err := s.file.Write(line)
		s.read += int64(len(line))
		return err
	}
	if _, err := s.file.Seek(s.read, io.SeekStart); err != nil {
		return err
	}
	for lines := bufio.NewReader(s.file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.read += int64(len(line))
		if err := s.apply(line); err != nil {
			return err
		}
	}
	if err := s.file.Truncate(s.read); err != nil {
		return err
	}
	_, err = s.file.Seek(s.read, io.SeekStart)
	return err
}

func (s *sharedJournal) apply(line []byte) error {
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	ctx := context.Background()
	switch {
	case e.Snapshot != nil:
		return s.store.SaveSnapshot(ctx, *e.Snapshot)
	case e.Checkpoint != nil:
		return s.store.SaveCheckpoint(ctx, e.Name, *e.Checkpoint)
	case e.Timers != nil:
		return s.store.RecordTimers(ctx, *e.Progress, e.Name, *e.Timers)
	case e.Timer != nil:
		return s.store.ClearTimer(ctx, e.Name, *e.Timer)
	case e.Progress != nil:
		return s.store.Record(ctx, *e.Progress)
	case e.Decision != nil:
		return s.store.Decide(ctx, e.Name, e.Decision.Stream, e.Decision.Version, e.Decision.Verdict)
	case e.Beat != nil:
		_, err := s.store.Beat(ctx, *e.Beat)
		return err
	case e.Claim != nil:
		_, err := s.store.Claim(ctx, e.Name, *e.Claim, e.Member)
		return err
	case e.Release != nil:
		return s.store.Release(ctx, e.Name, e.Release)
	case e.Forgot:
		return s.store.Forget(ctx, e.Name)
	case e.Left:
		return s.store.Leave(ctx, e.Name, e.Member, 0)
	}
	var writes []es.Write
	for i, stream := range e.Streams {
		writes = append(writes, es.Write{Stream: stream, Expect: es.Any, Events: e.Events[i]})
	}
	_, err := s.store.Append(ctx, writes...)
	return err
}

// log writes a line; the caller holds the lock.
func (s *sharedJournal) log(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.write(append(line, '\n'))
}

func (j *journal) Close() error {
	j.once.Do(func() {
		j.shared.mu.Lock()
		defer j.shared.mu.Unlock()
		close(j.closed)
		if j.shared.opened--; j.shared.opened == 0 {
			_ = j.shared.file.Close()
		}
	})
	return nil
}

func (j *journal) check() error {
	select {
	case <-j.closed:
		return es.ErrClosed
	default:
		return nil
	}
}

// lock takes the lock of all journals at the path, unless this one is closed.
func (j *journal) lock() (unlock func(), err error) {
	j.shared.mu.Lock()
	if err := j.check(); err != nil {
		j.shared.mu.Unlock()
		return nil, err
	}
	return j.shared.mu.Unlock, nil
}

func (j *journal) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	unlock, err := j.lock()
	if err != nil {
		return es.Receipt{}, err
	}
	defer unlock()
	r, err := j.Store.Append(ctx, writes...)
	if err != nil || r.Duplicate {
		return r, err
	}
	var e entry
	for _, w := range writes {
		e.Streams, e.Events = append(e.Streams, w.Stream), append(e.Events, w.Events)
	}
	return r, j.shared.log(e)
}

func (j *journal) SaveSnapshot(ctx context.Context, s es.Snapshot) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := j.Store.SaveSnapshot(ctx, s); err != nil {
		return err
	}
	return j.shared.log(entry{Snapshot: &s})
}

func (j *journal) SaveCheckpoint(ctx context.Context, name string, p es.Position) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := j.Store.SaveCheckpoint(ctx, name, p); err != nil {
		return err
	}
	return j.shared.log(entry{Checkpoint: &p, Name: name})
}

// logged makes a call of the memory store under the lock, and logs it if it succeeds.
func logged[V any](j *journal, e entry, call func() (V, error)) (V, error) {
	unlock, err := j.lock()
	if err != nil {
		var none V
		return none, err
	}
	defer unlock()
	v, err := call()
	if err != nil {
		return v, err
	}
	return v, j.shared.log(e)
}

type nothing struct{}

func (j *journal) Record(ctx context.Context, p es.Progress) error {
	_, err := logged(j, entry{Progress: &p}, func() (nothing, error) { return nothing{}, j.Store.Record(ctx, p) })
	return err
}

func (j *journal) RecordTimers(ctx context.Context, p es.Progress, name string, c es.TimerChanges) error {
	_, err := logged(j, entry{Progress: &p, Name: name, Timers: &c}, func() (nothing, error) {
		return nothing{}, j.Store.RecordTimers(ctx, p, name, c)
	})
	return err
}

func (j *journal) Timers(ctx context.Context, name string, limit int) ([]es.Timer, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	return j.Store.Timers(ctx, name, limit)
}

func (j *journal) ClearTimer(ctx context.Context, name string, t es.Timer) error {
	_, err := logged(j, entry{Name: name, Timer: &t}, func() (nothing, error) { return nothing{}, j.Store.ClearTimer(ctx, name, t) })
	return err
}

func (j *journal) Decide(ctx context.Context, name string, s es.Stream, v es.Version, verdict es.Verdict) error {
	_, err := logged(j, entry{Name: name, Decision: &decision{s, v, verdict}}, func() (nothing, error) {
		return nothing{}, j.Store.Decide(ctx, name, s, v, verdict)
	})
	return err
}

func (j *journal) Beat(ctx context.Context, m es.Membership) (es.GroupState, error) {
	return logged(j, entry{Beat: &m}, func() (es.GroupState, error) { return j.Store.Beat(ctx, m) })
}

func (j *journal) Claim(ctx context.Context, name string, c es.Claim, member uuid.UUID) (es.Partition, error) {
	return logged(j, entry{Name: name, Claim: &c, Member: member}, func() (es.Partition, error) { return j.Store.Claim(ctx, name, c, member) })
}

func (j *journal) Release(ctx context.Context, name string, claims []es.Claim) error {
	_, err := logged(j, entry{Name: name, Release: append([]es.Claim{}, claims...)}, func() (nothing, error) {
		return nothing{}, j.Store.Release(ctx, name, claims)
	})
	return err
}

func (j *journal) Leave(ctx context.Context, name string, member uuid.UUID, beat int64) error {
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := j.Store.Leave(ctx, name, member, beat); err != nil {
		return err
	}
	state, err := j.Store.Group(ctx, name)
	if err != nil {
		return nil // nobody was there to leave
	}
	for _, m := range state.Members {
		if m.ID == member {
			return nil // it stays
		}
	}
	return j.shared.log(entry{Name: name, Member: member, Left: true})
}

func (j *journal) Readers(ctx context.Context) ([]es.Reader, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	return j.Store.Readers(ctx)
}

func (j *journal) Forget(ctx context.Context, name string) error {
	_, err := logged(j, entry{Name: name, Forgot: true}, func() (nothing, error) { return nothing{}, j.Store.Forget(ctx, name) })
	return err
}

func (j *journal) Parked(ctx context.Context, q es.ParkedQuery) ([]es.Parked, error) {
	if err := j.check(); err != nil {
		return nil, err
	}
	return j.Store.Parked(ctx, q)
}

func (j *journal) Group(ctx context.Context, name string) (es.GroupState, error) {
	if err := j.check(); err != nil {
		return es.GroupState{}, err
	}
	return j.Store.Group(ctx, name)
}

func (j *journal) Identity(ctx context.Context) (es.Identity, error) {
	if err := j.check(); err != nil {
		return es.Identity{}, err
	}
	return j.Store.Identity(ctx)
}

func (j *journal) Checkpoint(ctx context.Context, name string) (es.Position, error) {
	if err := j.check(); err != nil {
		return 0, err
	}
	return j.Store.Checkpoint(ctx, name)
}

func (j *journal) Head(ctx context.Context) (es.Position, error) {
	if err := j.check(); err != nil {
		return 0, err
	}
	return j.Store.Head(ctx)
}

func (j *journal) Read(ctx context.Context, q es.ReadQuery) iter.Seq2[es.Recorded, error] {
	return unlessClosed(j, j.Store.Read(ctx, q))
}

func (j *journal) Load(ctx context.Context, q es.LoadQuery) iter.Seq2[es.Row, error] {
	return unlessClosed(j, j.Store.Load(ctx, q))
}

func (j *journal) ReadAll(ctx context.Context, q es.FeedQuery) iter.Seq2[es.Recorded, error] {
	return unlessClosed(j, j.Store.ReadAll(ctx, q))
}

func (j *journal) Streams(ctx context.Context, q es.ListQuery) iter.Seq2[es.StreamInfo, error] {
	return unlessClosed(j, j.Store.Streams(ctx, q))
}

func unlessClosed[V any](j *journal, seq iter.Seq2[V, error]) iter.Seq2[V, error] {
	if err := j.check(); err != nil {
		return failing[V](err)
	}
	return seq
}

func failing[V any](err error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var none V
		yield(none, err)
	}
}

func (j *journal) Watch(ctx context.Context) <-chan struct{} {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-j.closed:
		}
	}()
	return j.Store.Watch(ctx)
}

// buffered makes the file fall behind what is acknowledged, by a few lines.
func (s *sharedJournal) buffered() {
	var waiting bytes.Buffer
	lines, write := 0, s.write
	s.write = func(line []byte) error {
		waiting.Write(line)
		if lines++; lines%64 > 0 {
			return nil
		}
		defer waiting.Reset()
		return write(waiting.Bytes())
	}
}
