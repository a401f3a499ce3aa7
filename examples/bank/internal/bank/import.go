package bank

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/internal/rows"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

// Fates of rows that never became operations.
const (
	Unreadable Fate = iota + RefusedEarlier + 1 // it could not be parsed
	OtherID                                     // its id belongs to another operation
)

// Imported is a row and what became of it.
type Imported struct {
	rows.Row
	Fate   Fate
	Reason string // unless it was applied
}

// importers is how many rows are carried out at once: a store commits concurrent appends together.
const importers = 16

// Import settles the rows of a file as they come, each under its own id (see [Bank.Settle]), and
// tells each what became of each, one call at a time. Rows that have an account or an id in common
// are settled in the order of the file; others at once, so they are told in no particular order. It
// goes on after rows that can't be read. Importing the same rows again changes nothing more, so
// that an import that was stopped or killed is finished by repeating it.
func (b *Bank) Import(ctx context.Context, file iter.Seq2[rows.Row, error], retryRefused bool, each func(Imported)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		telling sync.Mutex
		working sync.WaitGroup
		free    = make(chan struct{}, importers)
		last    = lasts{}
	)
	tell := func(i Imported) {
		telling.Lock()
		defer telling.Unlock()
		each(i)
	}
	var err error
	for row, readErr := range file {
		if readErr != nil {
			err = readErr
			break
		}
		if row.Err != nil {
			tell(Imported{Row: row, Fate: Unreadable, Reason: row.Err.Error()})
			continue
		}
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		earlier, done := last.enter(row)
		working.Go(func() {
			defer func() { close(done); <-free }()
			for _, e := range earlier {
				<-e
			}
			if ctx.Err() != nil {
				return
			}
			imported, err := b.importRow(ctx, row, retryRefused)
			if err != nil {
				stop(fmt.Errorf("line %d: %w", row.Line, err))
				return
			}
			tell(imported)
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (b *Bank) importRow(ctx context.Context, row rows.Row, retryRefused bool) (Imported, error) {
	// What the accounts did points to the operation that made them do it.
	ctx = es.WithMetadata(ctx, es.Metadata{CausationID: operationType.Category() + "-" + row.ID})
	fate, reason, err := b.Settle(ctx, row.ID, row.Request, retryRefused)
	if other, ok := errors.AsType[*operation.OtherRequestError](err); ok {
		return Imported{Row: row, Fate: OtherID, Reason: other.Error()}, nil
	}
	return Imported{Row: row, Fate: fate, Reason: reason}, err
}

// lasts knows the last row that has each account and each id: the one to wait for.
type lasts map[string]chan struct{}

// enter returns the rows that must be settled before this one, and the channel to be closed when it is.
func (l lasts) enter(row rows.Row) (earlier []chan struct{}, done chan struct{}) {
	if len(l) > 64*importers { // forget those that are over
		for key, e := range l {
			select {
			case <-e:
				delete(l, key)
			default:
			}
		}
	}
	done = make(chan struct{})
	keys := []string{"operation-" + row.ID}
	for _, id := range row.Request.Accounts() {
		keys = append(keys, "account-"+id)
	}
	for _, key := range keys {
		if e, ok := l[key]; ok {
			earlier = append(earlier, e)
		}
		l[key] = done
	}
	return earlier, done
}
