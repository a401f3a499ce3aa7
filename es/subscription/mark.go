package subscription

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/es"
)

// Mark is a position for keeping outside the store that it belongs to. Under another identity, of
// another store or of this one after an older backup was restored, it means nothing.
type Mark struct {
	es.Identity
	Position es.Position
}

// Keeper is a [Sink] that keeps the position itself, together with its effect, outside the store: in
// another database, or a file. It commits [Batch.Mark] with each batch, and a subscription goes on from the
// mark that was committed last. A batch comes again if its commit failed, or seemed to: a keeper passes over events up to the mark that it
// has, in the transaction that looks for them. The store then needs [es.Identified] and no checkpoints; groups and parking are
// not for keepers, since their bookkeeping is the store's.
type Keeper interface {
	Sink

	// Mark returns the mark that was committed last; the zero value if there is none.
	Mark(ctx context.Context) (Mark, error)
}

// ErrOtherStore: a mark belongs to another store. See [OtherStoreError].
var ErrOtherStore = errors.New("the mark belongs to another store")

// OtherStoreError tells that what a [Keeper] keeps belongs to another store than the one that is read, or to
// a time of it that a restored backup does not have. Going on would skip or repeat events
// silently. It matches [ErrOtherStore].
type OtherStoreError struct {
	Mark  Mark
	Store es.Identity // of the store that is read
}

func (e *OtherStoreError) Error() string {
	why := "the mark was made in another store"
	if e.Mark.Store == e.Store.Store {
		why = "an older backup of the store was restored since"
	}
	return fmt.Sprintf("going on from position %d of store %s, epoch %d, in store %s, epoch %d: %s: build anew what was made from its events",
		e.Mark.Position, e.Mark.Store, e.Mark.Epoch, e.Store.Store, e.Store.Epoch, why)
}

// Is reports whether target is [ErrOtherStore].
func (e *OtherStoreError) Is(target error) bool { return target == ErrOtherStore }

// beginMarked returns the position to go on from, where a keeper keeps it.
func (s *Subscription) beginMarked(ctx context.Context) (at es.Position, err error) {
	err = s.persistently(ctx, "reading the mark", func() error {
		s.identity, err = s.source.identified.Identity(ctx)
		if err != nil {
			return err
		}
		mark, err := s.keeper.Mark(ctx)
		switch {
		case err != nil:
			return err
		case mark.Store == uuid.Nil:
			at, err = s.start(ctx, s.source.feed)
			return err
		case mark.Identity != s.identity:
			return &OtherStoreError{Mark: mark, Store: s.identity}
		}
		at = mark.Position
		return nil
	})
	return at, err
}
