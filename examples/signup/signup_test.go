package signup_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/memory"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/examples/signup"
	"github.com/esgen-go/esgen/internal/guides"
	"github.com/esgen-go/esgen/repository"
)

func Example() {
	ctx := context.Background()
	members := signup.New(memory.New())
	fmt.Println(members.Join(ctx, "1", "ada@example.com"))
	fmt.Println(members.Join(ctx, "2", "Ada@Example.com"))

	fmt.Println(members.Move(ctx, "1", "ada@example.org"))
	fmt.Println(members.Join(ctx, "2", "Ada@Example.com"))
	m, err := members.Who(ctx, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it is that of member", m.ID())
	// Output:
	// <nil>
	// the address is taken
	// <nil>
	// <nil>
	// it is that of member 2
}

func TestTheGuideShowsThisCode(t *testing.T) {
	t.Parallel()
	guides.Quotes(t, "../../docs/guides/uniqueness.md", ".")
}

func TestAnAddressIsForOneMemberAtATime(t *testing.T) {
	t.Parallel()
	fresh := func() *signup.Address { return signup.NewAddress("x") }
	aggregatetest.Given(t, fresh()).
		When(func(a *signup.Address) error { return a.Reserve("1") }).
		Then(signup.Reserved{Member: "1"})
	aggregatetest.Given(t, fresh(), signup.Reserved{Member: "1"}).
		When(func(a *signup.Address) error { return a.Reserve("1") }).
		Then()
	aggregatetest.Given(t, fresh(), signup.Reserved{Member: "1"}).
		When(func(a *signup.Address) error { return a.Reserve("2") }).
		ThenError(signup.ErrTaken)
	aggregatetest.Given(t, fresh(), signup.Reserved{Member: "1"}, signup.Released{}).
		When(func(a *signup.Address) error { return a.Reserve("2") }).
		Then(signup.Reserved{Member: "2"})
	aggregatetest.Given(t, fresh(), signup.Reserved{Member: "1"}).
		When(func(a *signup.Address) error { a.Release("2"); return nil }).
		Then()
}

// open returns the members of a file, twice: as two processes would have them.
func open(t *testing.T) [2]*signup.Members {
	t.Helper()
	path := filepath.Join(t.TempDir(), "members.db")
	var all [2]*signup.Members
	for i := range all {
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		all[i] = signup.New(store)
	}
	return all
}

func TestOfManyWhoWantAnAddressOneGetsIt(t *testing.T) {
	t.Parallel()
	members := open(t)
	const many = 16
	var joined, moved atomic.Int64
	var running sync.WaitGroup
	for i := range many {
		running.Go(func() {
			s, id := members[i%2], fmt.Sprint(i)
			switch err := s.Join(t.Context(), id, "one@example.com", repository.MaxRetries(100)); {
			case err == nil:
				joined.Add(1)
				return
			case !errors.Is(err, signup.ErrTaken):
				t.Errorf("Join: %v", err)
			}
			if err := s.Join(t.Context(), id, id+"@example.com", repository.MaxRetries(100)); err != nil {
				t.Errorf("Join with an address of its own: %v", err)
			}
			switch err := s.Move(t.Context(), id, "two@example.com", repository.MaxRetries(100)); {
			case err == nil:
				moved.Add(1)
			case !errors.Is(err, signup.ErrTaken):
				t.Errorf("Move: %v", err)
			}
		})
	}
	running.Wait()
	if joined.Load() != 1 || moved.Load() != 1 {
		t.Fatalf("%d members joined with the same address, and %d moved to another; want one each", joined.Load(), moved.Load())
	}
	owners := map[string]bool{}
	for i := range many {
		for _, address := range []string{"one@example.com", "two@example.com", fmt.Sprint(i, "@example.com")} {
			switch m, err := members[0].Who(t.Context(), address); {
			case err == nil && m.Address == address:
				owners[m.ID()] = true
			case err == nil:
				t.Errorf("%s is that of member %s, who has %s", address, m.ID(), m.Address)
			case !errors.Is(err, es.ErrNotFound):
				t.Error(err)
			}
		}
	}
	if len(owners) != many {
		t.Errorf("%d of %d members have an address", len(owners), many)
	}
}

func TestWhatIsRefusedChangesNothing(t *testing.T) {
	t.Parallel()
	store := memory.New()
	members := signup.New(store)
	for id, address := range map[string]string{"1": "a@example.com", "2": "b@example.com"} {
		if err := members.Join(t.Context(), id, address); err != nil {
			t.Fatal(err)
		}
	}
	before, err := store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := members.Move(t.Context(), "1", "b@example.com"); !errors.Is(err, signup.ErrTaken) {
		t.Errorf("Move to another's address: %v", err)
	}
	if err := members.Join(t.Context(), "2", "c@example.com"); !errors.Is(err, es.ErrConflict) {
		t.Errorf("Join of somebody who has: %v", err)
	}
	if head, err := store.Head(t.Context()); head != before || err != nil {
		t.Errorf("%d events were appended, %v", head-before, err)
	}
}

func TestACommandSentAgainIsDoneOnce(t *testing.T) {
	t.Parallel()
	store := memory.New()
	members := signup.New(store)
	for range 2 {
		if err := members.Join(t.Context(), "1", "a@example.com", repository.IdempotencyKey("join")); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := members.Leave(t.Context(), "1", repository.IdempotencyKey("leave")); err != nil {
			t.Fatal(err)
		}
	}
	if err := members.Leave(t.Context(), "1"); !errors.Is(err, signup.ErrGone) {
		t.Errorf("Leave again: %v", err)
	}
	if _, err := members.Who(t.Context(), "a@example.com"); !errors.Is(err, es.ErrNotFound) {
		t.Errorf("Who of a free address: %v", err)
	}
}

func TestMembersFromBeforeReservationsGetTheirs(t *testing.T) {
	t.Parallel()
	store := memory.New()
	old := signup.NewMemberRepository(store)
	for id, address := range map[string]string{"1": "a@example.com", "2": "A@example.com", "3": "b@example.com", "4": "c@example.com"} {
		if err := old.Create(t.Context(), id, func(m *signup.Member) error { return m.Join(address) }); err != nil {
			t.Fatal(err)
		}
	}
	members := signup.New(store)
	if err := members.Leave(t.Context(), "4"); err != nil { // there is no reservation to give up
		t.Fatal(err)
	}
	if err := members.Move(t.Context(), "3", "d@example.com"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		doubles, err := members.Backfill(t.Context())
		if err != nil || !slices.Equal(doubles, []string{"2"}) {
			t.Fatalf("Backfill = %q, %v; want the second who has the address", doubles, err)
		}
	}
	for address, id := range map[string]string{"a@example.com": "1", "d@example.com": "3", "b@example.com": "", "c@example.com": ""} {
		m, err := members.Who(t.Context(), address)
		if id == "" && !errors.Is(err, es.ErrNotFound) || id != "" && (err != nil || m.ID() != id) {
			t.Errorf("Who(%s) = %+v, %v; want %q", address, m, err, id)
		}
	}
}

// A member who moves while the backfill is looking at the old address must not keep it reserved.
func TestABackfillNoticesAMemberWhoMovesMeanwhile(t *testing.T) {
	t.Parallel()
	store := memory.New()
	if err := signup.NewMemberRepository(store).Create(t.Context(), "1", func(m *signup.Member) error { return m.Join("a@example.com") }); err != nil {
		t.Fatal(err)
	}
	between := &meddling{Store: store, first: func() {
		if err := signup.New(store).Move(t.Context(), "1", "b@example.com"); err != nil {
			t.Error(err)
		}
	}}
	if doubles, err := signup.New(between).Backfill(t.Context()); err != nil || len(doubles) > 0 {
		t.Fatal(doubles, err)
	}
	if m, err := signup.New(store).Who(t.Context(), "a@example.com"); !errors.Is(err, es.ErrNotFound) {
		t.Errorf("the address that was left is still that of %+v, %v", m, err)
	}
}

// meddling is a store in which something happens before the first append.
type meddling struct {
	*memory.Store
	once  sync.Once
	first func()
}

func (m *meddling) Append(ctx context.Context, writes ...es.Write) (es.Receipt, error) {
	m.once.Do(m.first)
	return m.Store.Append(ctx, writes...)
}
