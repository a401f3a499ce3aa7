package bank

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// SimulationPrefix is what the ids of all simulated accounts begin with. Simulations move money among
// themselves alone.
const SimulationPrefix = "sim-"

// Simulation says what to simulate.
type Simulation struct {
	Name       string // of the run's own accounts: sim-<name>-0001 …
	Accounts   int    // the run's own
	Shared     int    // sim-shared-0001 …, which other runs use as well
	Operations int    // in all
	Writers    int    // at once
	Seed       uint64 // of the dice
}

// Simulated is what a simulation did and found.
type Simulated struct {
	Deposits, Withdrawals, Transfers int // carried out
	Refused                          int // not allowed by the bank's rules, such as for want of funds
	Retries                          int // decided afresh since another writer was faster
	Elapsed                          time.Duration
	Books                            *Books // of all simulated accounts, of this run and others; nil if they were not checked
}

// Operations is the number of operations that were decided.
func (s Simulated) Operations() int { return s.Deposits + s.Withdrawals + s.Transfers + s.Refused }

// Simulate has writers do random operations on accounts that it opens, and checks the books of all
// simulated accounts and that each operation that was acknowledged is stored, once. progress,
// unless nil, is told how many operations are done, by several goroutines. With an error it returns
// what was done until then, which stays done; nil if it did not get so far.
func (b *Bank) Simulate(ctx context.Context, s Simulation, progress func(done int)) (*Simulated, error) {
	if s.Accounts+s.Shared < 2 || s.Writers < 1 || s.Operations < 0 {
		return nil, errors.New("a simulation needs two accounts and one writer at least")
	}
	feed, ok := es.Capability[es.Feed](b.store)
	if !ok {
		return nil, fmt.Errorf("the store (%T) has no feed, which simulating needs: use another", b.store)
	}
	head, err := feed.Head(ctx)
	if err != nil {
		return nil, err
	}
	run := &simulation{Simulation: s, bank: b, id: es.NewID().String(), progress: progress}
	// By this mark the run finds its own events again.
	marked := es.WithMetadata(ctx, es.Metadata{CorrelationID: run.id, Actor: "simulate"})
	if err := run.open(marked); err != nil {
		return nil, err
	}
	began := time.Now()
	err = run.write(marked)
	run.sum.Elapsed = time.Since(began)
	if err != nil {
		return &run.sum, err
	}
	if err := run.await(ctx, feed); err != nil {
		return &run.sum, err
	}
	if run.sum.Books, err = b.Verify(ctx, SimulationPrefix, nil); err != nil {
		return &run.sum, err
	}
	if err := run.confirm(ctx, feed, head); err != nil {
		run.sum.Books.Wrong = append(run.sum.Books.Wrong, Finding{Err: err})
	}
	return &run.sum, nil
}

type simulation struct {
	Simulation
	bank     *Bank
	id       string
	accounts []string
	progress func(done int)
	done     atomic.Int64

	mu   sync.Mutex
	sum  Simulated
	last es.Position // of what was acknowledged
}

// each runs f for 0 to n-1 in so many writers at once, and stops at the first error. Each writer
// has dice of its own.
func (s *simulation) each(ctx context.Context, n int, f func(ctx context.Context, i int, dice *rand.Rand) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var writers sync.WaitGroup
	for w := range s.Writers {
		dice := rand.New(rand.NewPCG(s.Seed, uint64(w)))
		writers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(ctx, i, dice); err != nil {
					stop(err)
				}
			}
		})
	}
	writers.Wait()
	return context.Cause(ctx)
}

// open opens the accounts that are not there yet.
func (s *simulation) open(ctx context.Context) error {
	for i := range s.Accounts {
		s.accounts = append(s.accounts, fmt.Sprintf("%s%s-%04d", SimulationPrefix, s.Name, i+1))
	}
	for i := range s.Shared {
		s.accounts = append(s.accounts, fmt.Sprintf("%sshared-%04d", SimulationPrefix, i+1))
	}
	return s.each(ctx, len(s.accounts), func(ctx context.Context, i int, dice *rand.Rand) error {
		_, err := s.bank.Do(ctx, operation.Request{
			Kind: operation.Open, Account: s.accounts[i], Owner: "Simulated " + s.accounts[i],
			Overdraft: money.New(int64(dice.IntN(3))*100_00, simulated),
		}, "")
		if errors.Is(err, account.ErrAlreadyOpen) { // by another run
			return nil
		}
		return err
	})
}

const simulated money.Currency = "EUR"

// write does the operations.
func (s *simulation) write(ctx context.Context) error {
	return s.each(ctx, s.Operations, func(ctx context.Context, _ int, dice *rand.Rand) error {
		r := s.roll(dice)
		done, err := s.bank.Do(ctx, r, "")
		refused := false
		if _, ok := errors.AsType[*account.Error](err); ok {
			refused, err = true, nil
		}
		if err != nil {
			return err
		}
		s.count(r, done, refused)
		if n := s.done.Add(1); s.progress != nil {
			s.progress(int(n))
		}
		return nil
	})
}

// roll makes up a request: six of ten are transfers, three deposits, one is a withdrawal.
func (s *simulation) roll(dice *rand.Rand) operation.Request {
	from := dice.IntN(len(s.accounts))
	r := operation.Request{Account: s.accounts[from], Amount: money.New(1+dice.Int64N(200_00), simulated)}
	switch n := dice.IntN(10); {
	case n < 6:
		to := (from + 1 + dice.IntN(len(s.accounts)-1)) % len(s.accounts)
		r.Kind, r.To = operation.Transfer, s.accounts[to]
	case n < 9:
		r.Kind = operation.Deposit
	default:
		r.Kind = operation.Withdraw
	}
	return r
}

func (s *simulation) count(r operation.Request, done Done, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Retries += done.Retries
	s.last = max(s.last, done.Position)
	switch {
	case refused:
		s.sum.Refused++
	case r.Kind == operation.Deposit:
		s.sum.Deposits++
	case r.Kind == operation.Withdraw:
		s.sum.Withdrawals++
	default:
		s.sum.Transfers++
	}
}

// await waits until the feed has come to what was acknowledged last: a store may hold it back for a moment, while
// transactions of others are open that may take a place before it.
func (s *simulation) await(ctx context.Context, feed es.Feed) error {
	for {
		head, err := feed.Head(ctx)
		if err != nil || head >= s.last {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// confirm counts this run's events: exactly what was acknowledged must be stored.
func (s *simulation) confirm(ctx context.Context, feed es.Feed, after es.Position) error {
	stored := map[string]int{}
	for rec, err := range feed.ReadAll(ctx, es.FeedQuery{After: after, Categories: []string{accountType.Category()}}) {
		if err != nil {
			return err
		}
		if rec.Meta.CorrelationID == s.id {
			stored[rec.Type]++
		}
	}
	for _, want := range []struct {
		name         string
		acknowledged int
	}{
		{"account.deposited", s.sum.Deposits},
		{"account.withdrawn", s.sum.Withdrawals},
		{"account.transfer_sent", s.sum.Transfers},
		{"account.transfer_received", s.sum.Transfers},
	} {
		if stored[want.name] != want.acknowledged {
			return fmt.Errorf("%d events %s are stored, but %d were acknowledged", stored[want.name], want.name, want.acknowledged)
		}
	}
	return nil
}
