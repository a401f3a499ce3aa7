package repository_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/internal/fixture/account"
	"github.com/esgen-go/esgen/repository"
)

// order is what a client wants done, once, under its key.
type order struct {
	kind     string
	from, to string
	amount   int64
	key      string
}

// client sends orders to accounts in a store that fails.
type client struct {
	accounts *repository.Repository[account.Account]
	store    *faulty
}

func (c client) send(ctx context.Context, o order) error {
	key := repository.IdempotencyKey(o.key)
	move := func(amount int64) func(*account.Account) error {
		return func(a *account.Account) error {
			if a.Balance+amount < 0 {
				return account.ErrInsufficient
			}
			a.Move(account.Moved{Amount: amount, Note: o.key})
			return nil
		}
	}
	switch o.kind {
	case "deposit":
		return c.accounts.Update(ctx, o.to, move(o.amount), key)
	case "withdraw":
		return c.accounts.Update(ctx, o.to, move(-o.amount), key)
	case "create":
		return c.accounts.Create(ctx, "3", move(o.amount), key)
	case "save":
		return c.save(ctx, o, move(o.amount))
	default:
		return repository.Atomically(ctx, c.store, func(u *repository.Unit) error {
			from, err := c.accounts.LoadIn(u, o.from)
			if err != nil {
				return err
			}
			to, err := c.accounts.LoadIn(u, o.to)
			if err != nil {
				return err
			}
			return errors.Join(move(-o.amount)(from), move(o.amount)(to))
		}, key, repository.MaxRetries(3), repository.Backoff(0, 0))
	}
}

// save loads and saves by hand, and checks that the aggregate equals what is stored afterwards.
func (c client) save(ctx context.Context, o order, cmd func(*account.Account) error) error {
	a, err := c.accounts.Load(ctx, o.to)
	if err != nil {
		return err
	}
	if err := cmd(a); err != nil {
		return err
	}
	if _, err := c.accounts.Save(ctx, a, repository.IdempotencyKey(o.key)); err != nil {
		return err
	}
	if aggregate.Frozen(&a.Root) != nil {
		return nil
	}
	replayed, err := c.accounts.Load(context.Background(), o.to, repository.AtVersion(a.Version()))
	if err != nil {
		return err
	}
	return aggregate.Compare(account.Type{}, [2]string{"live", "replayed"}, a, replayed)
}

// refused tells whether an error says that nothing was stored.
func refused(err error) bool {
	return errors.Is(err, account.ErrInsufficient) || errors.Is(err, es.ErrConflict)
}

func TestEachKeyTakesEffectOnceWhateverFails(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := client{store: newFaulty()}
		c.accounts = account.NewRepository(c.store, repository.MaxRetries(3), repository.Backoff(0, 0),
			repository.SnapshotEvery(rapid.IntRange(0, 4).Draw(rt, "snapshot every")))
		for _, id := range []string{"1", "2"} {
			noError(t, c.accounts.Create(context.Background(), id, func(a *account.Account) error {
				a.Move(account.Moved{Amount: 50})
				return open(a)
			}))
		}

		var cancel context.CancelFunc // of the order at hand
		c.store.onAppend = func(_ int64, _ []es.Write, next func() (es.Receipt, error)) (es.Receipt, error) {
			switch rapid.SampledFrom([]string{"", "", "", "overtake", "lost request", "lost reply", "ends before", "ends after"}).Draw(rt, "append") {
			case "overtake":
				overtake(t, c.store.Store)
			case "lost request":
				return lostRequest()
			case "lost reply":
				return lostReply(next)
			case "ends before":
				cancel()
			case "ends after":
				defer cancel()
				_, err := next()
				return es.Receipt{}, errors.Join(context.Canceled, err)
			}
			return next()
		}
		c.store.onSnapshot = func(context.Context, es.Snapshot) error {
			if rapid.Bool().Draw(rt, "snapshot fails") {
				return errors.New("disk full")
			}
			return nil
		}

		var orders []order
		done, uncertain := map[string]bool{}, map[string]bool{}
		id := rapid.SampledFrom([]string{"1", "2"})
		for range rapid.IntRange(1, 12).Draw(rt, "orders") {
			var o order
			if len(orders) > 0 && rapid.Bool().Draw(rt, "again") {
				o = rapid.SampledFrom(orders).Draw(rt, "order")
			} else {
				o = order{
					kind:   rapid.SampledFrom([]string{"deposit", "withdraw", "create", "save", "transfer", "transfer"}).Draw(rt, "kind"),
					to:     id.Draw(rt, "to"),
					amount: rapid.Int64Range(1, 60).Draw(rt, "amount"),
					key:    fmt.Sprint("key ", len(orders)),
				}
				o.from = map[string]string{"1": "2", "2": "1"}[o.to]
				orders = append(orders, o)
			}
			var ctx context.Context
			ctx, cancel = context.WithCancel(context.Background())
			err := c.send(ctx, o)
			cancel()
			switch {
			case err == nil:
				done[o.key] = true
			case done[o.key] && o.kind != "save" && !errors.Is(err, context.Canceled):
				rt.Fatalf("%+v was done, and is answered with %v when it comes again", o, err)
			case !refused(err) && !errors.Is(err, es.ErrOutcomeUnknown) && !errors.Is(err, context.Canceled):
				rt.Fatalf("%+v: %v", o, err)
			case !refused(err):
				uncertain[o.key] = true
			}
		}

		effects := map[string]map[string]int{} // by stream, then by key
		for _, id := range []string{"1", "2", "3"} {
			effects[id] = map[string]int{}
			for rec, err := range c.store.Read(context.Background(), es.ReadQuery{Stream: stream(id)}) {
				if errors.Is(err, es.ErrNotFound) && id == "3" {
					break
				}
				noError(t, err)
				effects[id][note(t, rec)]++
			}
			if err := c.accounts.Verify(context.Background(), id); err != nil && (id != "3" || !errors.Is(err, es.ErrNotFound)) {
				rt.Fatal(err)
			}
		}
		for _, o := range orders {
			streams := []string{o.to}
			switch o.kind {
			case "transfer":
				streams = []string{o.from, o.to}
			case "create":
				streams = []string{"3"}
			}
			for _, id := range streams {
				n := effects[id][o.key]
				switch {
				case done[o.key] && n != 1, n > 1, n == 1 && !done[o.key] && !uncertain[o.key], n != effects[streams[0]][o.key]:
					rt.Fatalf("%+v took effect %d times on account %s (done: %v, uncertain: %v)", o, n, id, done[o.key], uncertain[o.key])
				}
			}
		}
	})
}

// note returns the note of a movement.
func note(t *testing.T, rec es.Recorded) string {
	a := account.New("")
	noError(t, account.Type{}.Replay(a, es.Row{Version: 1, Type: rec.Type, Schema: rec.Schema, Data: rec.Data}))
	if len(a.Notes) == 0 {
		return ""
	}
	return a.Notes[0]
}
