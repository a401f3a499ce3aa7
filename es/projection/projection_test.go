package projection_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/projection"
	"github.com/esgen-go/esgen/es/subscription"
)

func TestEachEventHasItsEffectOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		for round := range 3 { // stopped and started again
			m := at.model(t, s, tally{}, projection.BatchSize(7))
			stop := m.start(t)
			last := fill(t, s, "a", 5, 40)
			m.wait(t, last)
			m.expect(t, 1, int64(40*(round+1)))
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestATransactionThatFailsLeavesNoEffect(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		last := fill(t, s, "a", 5, 40)
		var failures atomic.Int64
		m := at.model(t, s, tally{fails: func(rec es.Recorded) error {
			if rec.Position%10 == 5 && failures.Add(1)%3 != 0 {
				return errors.New("not now")
			}
			return nil
		}}, projection.BatchSize(8), projection.Delivery(subscription.Retry(subscription.Backoff{Attempts: 5, First: time.Millisecond, Max: time.Millisecond})))
		m.start(t)
		m.wait(t, last)
		m.expect(t, 1, 40)
		if failures.Load() < 8 {
			t.Fatalf("only %d failures were tried", failures.Load())
		}
	})
}

func TestAnEventThatCantBeHandledIsNamed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 5, 40)
		broken := errors.New("broken")
		for _, partitions := range []int{1, 3} {
			m := at.model(t, s, tally{version: partitions, fails: func(rec es.Recorded) error {
				if rec.Stream.ID == "3" && rec.Version == 4 {
					return broken
				}
				return nil
			}}, projection.Partitions(partitions), projection.Delivery(subscription.Retry(subscription.Backoff{Attempts: 2, First: time.Millisecond, Max: time.Millisecond})))
			err := m.Build(t.Context())
			failed, ok := errors.AsType[*subscription.EventError](err)
			if !ok || failed.Event.Stream.ID != "3" || failed.Event.Version != 4 || !errors.Is(err, broken) {
				t.Fatalf("Build with %d partitions: %v, want a *subscription.EventError of version 4 of a-3", partitions, err)
			}
			if v := m.versions(t); v.Serving != 0 {
				t.Fatalf("version %d serves, though none is built", v.Serving)
			}
		}
	})
}

func TestSeveralProcessesRunOneProjection(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		var last es.Position
		var m [3]model
		var stop [3]func() error
		for i := range m {
			s := at.mustOpen(t) // each has what a process would have
			m[i] = at.model(t, s, tally{}, projection.BatchSize(5))
			stop[i] = m[i].start(t)
			last = fill(t, s, "a", 5, 60)
		}
		m[2].wait(t, last)
		m[0].expect(t, 1, 180)
		for i := range 2 { // the others take over
			if err := stop[i](); err != nil {
				t.Fatal(err)
			}
			last = fill(t, at.mustOpen(t), "a", 5, 20)
			m[2].wait(t, last)
			m[2].expect(t, 1, int64(200+20*i))
		}
	})
}

func TestANewVersionIsBuiltWhileTheOldOneServes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 7, 200)
		old := at.model(t, s, tally{version: 1}, projection.BatchSize(20))
		if err := old.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		stopOld := old.start(t)
		for _, c := range []struct{ version, partitions int }{{2, 1}, {3, 4}} {
			ctx, stopLoad := context.WithCancel(t.Context())
			reader := at.model(t, s, tally{version: c.version})
			var load sync.WaitGroup
			load.Go(func() {
				for ctx.Err() == nil {
					fill(t, s, "a", 7, 10)
				}
			})
			load.Go(func() { // never waits, and never goes back
				var seen int64
				for ctx.Err() == nil {
					_, n := reader.count(t)
					if n < seen {
						t.Errorf("a reader saw %d events after %d", n, seen)
					}
					seen = n
				}
			})
			var reports []projection.Progress
			next := at.model(t, s, tally{version: c.version}, projection.Partitions(c.partitions), projection.BatchSize(20),
				projection.OnProgress(func(p projection.Progress) { reports = append(reports, p) }))
			err := next.Build(t.Context())
			stopLoad()
			load.Wait()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(reports); n == 0 || !reports[n-1].Serving || reports[n-1].Version != c.version || reports[n-1].Events < 200 || reports[n-1].Rate <= 0 {
				t.Fatalf("the progress was told as %+v", reports)
			}
			if err := next.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			next.expect(t, c.version, events(t, s))
		}
		// The older build reads and feeds its own version, until that is dropped.
		last := fill(t, s, "a", 7, 10)
		old.wait(t, last)
		old.expect(t, 1, events(t, s))
		old.expectVersions(t, 3, 1, 2, 3)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := old.Drop(ctx, 1); !errors.Is(err, context.DeadlineExceeded) { // its readers would see less
			t.Fatalf("Drop of a version that is ahead of the one that serves: %v, want context.DeadlineExceeded", err)
		}
		if err := at.model(t, s, tally{version: 3}).CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := old.Drop(t.Context(), 3); !errors.Is(err, projection.ErrServing) {
			t.Fatalf("Drop of the version that serves: %v, want ErrServing", err)
		}
		for _, version := range []int{1, 2} {
			if err := old.Drop(t.Context(), version); err != nil {
				t.Fatal(err)
			}
		}
		if err := old.Drop(t.Context(), 2); !errors.Is(err, es.ErrNotFound) {
			t.Fatalf("Drop of what was dropped: %v, want es.ErrNotFound", err)
		}
		old.expectVersions(t, 3, 3)
		fill(t, s, "a", 7, 1)
		if err := stopWhenDone(old, stopOld); !errors.Is(err, projection.ErrDropped) {
			t.Fatalf("Run of a version that was dropped: %v, want ErrDropped", err)
		}
		if err := old.Run(t.Context()); !errors.Is(err, projection.ErrDropped) {
			t.Fatalf("Run of a version that was dropped before: %v, want ErrDropped", err)
		}
		if err := old.Build(t.Context()); !errors.Is(err, projection.ErrSuperseded) {
			t.Fatalf("Build of an older version: %v, want ErrSuperseded", err)
		}
	})
}

// stopWhenDone waits until Run has ended by itself.
func stopWhenDone(m model, stop func() error) error {
	for m.running() {
		time.Sleep(5 * time.Millisecond)
	}
	return stop()
}

func TestAProjectionThatFollowsGoesOnWithTheVersionThatServes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		m := at.model(t, s, tally{})
		m.start(t)
		m.wait(t, fill(t, s, "a", 3, 30))
		for version := 2; version < 4; version++ {
			other := at.model(t, at.mustOpen(t), tally{}, projection.Partitions(version))
			if v, err := other.Rebuild(t.Context()); err != nil || v != version {
				t.Fatalf("Rebuild: version %d, %v, want %d", v, err, version)
			}
			m.wait(t, fill(t, s, "a", 3, 10)) // which the first process does
			m.expect(t, version, int64(30+10*(version-1)))
			if err := other.Drop(t.Context(), version-1); err != nil {
				t.Fatal(err)
			}
		}
		m.expectVersions(t, 3, 3)
	})
}

func TestAFilterThatMatchesNothingStillAdvances(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		last := fill(t, s, "a", 3, 30)
		for _, partitions := range []int{1, 3} {
			m := at.model(t, s, tally{version: partitions, categories: []string{"x"}}, projection.Partitions(partitions),
				projection.Delivery(subscription.CheckpointEvery(1, 10*time.Millisecond)))
			stop := m.start(t)
			m.wait(t, last)
			last = fill(t, s, "a", 3, 5)
			m.wait(t, last)
			m.expect(t, partitions, 0)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		m := at.model(t, s, tally{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := m.WaitFor(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("WaitFor without anybody who builds: %v, want context.DeadlineExceeded", err)
		}
		err := m.view(t.Context(), func(context.Context, tx, int) error { return nil })
		if !errors.Is(err, projection.ErrNotBuilt) {
			t.Fatalf("View before anything is built: %v, want ErrNotBuilt", err)
		}
	})
}

func TestTwoBuildersOfOneVersionDoTheWorkOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 7, 200)
		for _, partitions := range []int{1, 3} {
			var both sync.WaitGroup
			for range 2 {
				m := at.model(t, at.mustOpen(t), tally{version: partitions}, projection.Partitions(partitions), projection.BatchSize(5))
				both.Go(func() {
					if err := m.Build(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			m := at.model(t, s, tally{version: partitions})
			if err := m.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.expect(t, partitions, 200)
		}
	})
}

func TestABuildThatIsBrokenOffGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 7, 210)
		for _, partitions := range []int{1, 3} {
			var handled atomic.Int64
			for done := false; !done; {
				ctx, stop := context.WithCancel(t.Context())
				first := handled.Load()
				m := at.model(t, s, tally{version: partitions, fails: func(es.Recorded) error {
					if handled.Add(1) == first+60 {
						stop()
					}
					return nil
				}}, projection.Partitions(partitions), projection.BatchSize(10))
				err := m.Build(ctx)
				if done = err == nil; !done && !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				stop()
			}
			if n := handled.Load(); n < 210 || n > 400 {
				t.Fatalf("%d events were handled with %d partitions, want each of the 210 about once", n, partitions)
			}
			at.model(t, s, tally{version: partitions}).expect(t, partitions, 210)
		}
	})
}

func TestBadDefinitionsAreRefused(t *testing.T) {
	t.Parallel()
	none := func(context.Context, struct{}, int) error { return nil }
	good := projection.Definition[struct{}]{
		Name: "a", Create: none, Drop: none,
		Handle: func(context.Context, struct{}, int, []es.Recorded) error { return nil },
	}
	for name, change := range map[string]func(d *projection.Definition[struct{}]){
		"no transactions": func(*projection.Definition[struct{}]) {},
		"no name":         func(d *projection.Definition[struct{}]) { d.Name = "" },
		"no handler":      func(d *projection.Definition[struct{}]) { d.Handle = nil },
		"version":         func(d *projection.Definition[struct{}]) { d.Version = -1 },
	} {
		d := good
		change(&d)
		if _, err := projection.New(memory.New(), d); err == nil {
			t.Errorf("%s: New accepts %+v", name, d)
		}
	}
}

func events(t *testing.T, s es.Feed) (n int64) {
	t.Helper()
	for _, err := range s.ReadAll(t.Context(), es.FeedQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// As after the restore of an older backup beside which a newer checkpoint was kept.
func TestACheckpointBeyondTheHeadIsAnErrorAndNoSilentSkip(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		m := at.model(t, s, tally{})
		fill(t, s, "a", 1, 5)
		if err := m.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		table := "checkpoints"
		if schema, _, ok := strings.Cut(string(at), " "); ok {
			table = schema + "." + table
		}
		if err := m.write(t.Context(), "UPDATE "+table+" SET position = 1000"); err != nil {
			t.Fatal(err)
		}
		if err := m.Run(t.Context()); !errors.Is(err, es.ErrBeyondHead) {
			t.Fatalf("Run: %v, want es.ErrBeyondHead", err)
		}
		if err := m.WaitFor(t.Context(), 5); !errors.Is(err, es.ErrBeyondHead) {
			t.Fatalf("WaitFor: %v, want es.ErrBeyondHead", err)
		}
		for range 10 { // whichever of what it does fails first
			if err := m.CatchUp(t.Context()); !errors.Is(err, es.ErrBeyondHead) {
				t.Fatalf("CatchUp: %v, want es.ErrBeyondHead", err)
			}
		}
	})
}

// How a version is built is settled by whoever creates it.
func TestBuildersWithOtherPartitionsGoOnAsTheVersionWasBegun(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 7, 140)
		for version := 1; version < 4; version++ {
			var handled atomic.Int64
			for round := range 20 {
				ctx, stop := context.WithCancel(t.Context())
				first := handled.Load()
				m := at.model(t, s, tally{version: version, fails: func(es.Recorded) error {
					if handled.Add(1) == first+40 {
						stop()
					}
					return nil
				}}, projection.Partitions(1+(version+round)%3), projection.BatchSize(10))
				err := m.Build(ctx)
				stop()
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
			}
			at.model(t, s, tally{version: version}).expect(t, version, 140)
		}
	})
}

// The old version is as far as the head, but it is not what the caller's statements are made for.
func TestCatchUpBuildsTheVersionThatIsDefined(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 3, 30)
		for version := 1; version < 4; version++ {
			m := at.model(t, s, tally{version: version}, projection.Partitions(version))
			if err := m.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.expect(t, version, 30)
		}
		if err := at.model(t, s, tally{version: 1}).CatchUp(t.Context()); err != nil {
			t.Fatalf("CatchUp of an older build: %v", err)
		}
	})
}

// Another process drops the version again and again while it is built, and switched to.
func TestAVersionThatIsDroppedWhileItIsBuiltIsBuiltAnew(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 7, 100)
		if err := at.model(t, s, tally{version: 1}).CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := at.model(t, at.mustOpen(t), tally{version: 1})
		dropped := 0
		for round := 0; other.versions(t).Serving == 1; round++ {
			m := at.model(t, s, tally{version: 2, fails: func(es.Recorded) error {
				time.Sleep(100 * time.Microsecond)
				return nil
			}}, projection.Partitions(1+round%3), projection.BatchSize(10))
			built := make(chan error, 1)
			go func() { built <- m.Build(t.Context()) }()
			for err := es.ErrNotFound; round < 6 && errors.Is(err, es.ErrNotFound); {
				time.Sleep(time.Duration(round) * 2 * time.Millisecond)
				if err = other.Drop(t.Context(), 2); err == nil {
					dropped++
				} else if !errors.Is(err, es.ErrNotFound) && !errors.Is(err, projection.ErrServing) {
					t.Fatalf("Drop: %v", err)
				}
			}
			if err := <-built; err != nil && !errors.Is(err, projection.ErrDropped) {
				t.Fatalf("Build: %v", err)
			}
		}
		if dropped == 0 {
			t.Fatal("no version was dropped")
		}
		at.model(t, s, tally{version: 2}).expect(t, 2, 100)
	})
}

// One that works on a version of that number when it is dropped, and has scanned events that its filter leaves out, leaves a
// checkpoint behind.
func TestAVersionBeginsAtTheFirstEventThoughOneOfItsNumberWasDropped(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		last := fill(t, s, "a", 3, 30)
		if err := s.SaveCheckpoint(t.Context(), projection.CheckpointName("tally", 1), last); err != nil {
			t.Fatal(err)
		}
		m := at.model(t, s, tally{version: 1})
		if err := m.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.expect(t, 1, 30)
	})
}

// A panic is a failure of its event, and not the end of the process, however a version is built.
func TestAPanicOfTheHandlerIsAFailureOfItsEvent(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		s := at.mustOpen(t)
		fill(t, s, "a", 5, 40)
		for _, partitions := range []int{1, 3} {
			m := at.model(t, s, tally{version: partitions, fails: func(rec es.Recorded) error {
				if rec.Stream.ID == "3" && rec.Version == 4 {
					panic("no such account")
				}
				return nil
			}}, projection.Partitions(partitions), projection.Delivery(subscription.Retry(subscription.Backoff{Attempts: 2, First: time.Millisecond, Max: time.Millisecond})))
			err := m.Build(t.Context())
			failed, known := errors.AsType[*subscription.EventError](err)
			panicked, is := errors.AsType[*subscription.PanicError](err)
			if !known || !is || failed.Event.Stream.ID != "3" || failed.Event.Version != 4 || panicked.Value != "no such account" || len(panicked.Stack) == 0 {
				t.Fatalf("Build with %d partitions: %v, want a *subscription.EventError of version 4 of a-3, of a panic", partitions, err)
			}
		}
	})
}

// While others append what the filter leaves out, the one that works moves its position, if seldom. A process that stands by
// must not take this for a standstill: the two would drive each other out for ever.
func TestAProcessThatStandsByLeavesOneAtWorkThatHasNoEvents(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, at place) {
		var refused atomic.Int64
		logger := slog.New(slog.NewTextHandler(writer(func(line string) {
			if strings.Contains(line, "standing by") {
				refused.Add(1)
			}
		}), nil))
		other, writers := at.mustOpen(t), at.mustOpen(t)
		fill(t, writers, "a", 3, 10)
		var stops [2]func() error
		var models [2]model
		for i := range stops {
			m := at.model(t, other, tally{version: 1, categories: []string{"a"}}, projection.Takeover(500*time.Millisecond), projection.Logger(logger))
			models[i], stops[i] = m, m.start(t)
			m.wait(t, 10)
		}
		standing := func() (n int) {
			for _, m := range models {
				status, err := m.Status(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if status.State == subscription.StandingBy {
					n++
				}
			}
			return n
		}
		for refused.Load() == 0 || standing() != 1 { // until one of them stands by
			fill(t, writers, "a", 1, 1)
			time.Sleep(20 * time.Millisecond)
		}
		first, moves := refused.Load(), 0
		for seen := es.Position(0); moves < 24; time.Sleep(10 * time.Millisecond) {
			fill(t, writers, "b", 1, 1)
			at, err := writers.Checkpoint(t.Context(), projection.CheckpointName("tally", 1))
			if err != nil {
				t.Fatal(err)
			}
			if at != seen {
				seen, moves = at, moves+1
			}
		}
		if n := refused.Load() - first; n > 6 {
			t.Errorf("the two have driven each other out %d times, while the position moved %d times", n, moves)
		}
		for _, stop := range stops {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		}
		if status, err := models[0].Status(t.Context()); err != nil || status.State != subscription.Stopped {
			t.Fatalf("after its end its status is %+v, %v", status, err)
		}
	})
}

// writer is a function as an [io.Writer].
type writer func(line string)

func (w writer) Write(line []byte) (int, error) {
	w(string(line))
	return len(line), nil
}
