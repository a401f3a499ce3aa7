package bank

import (
	"context"
	"errors"

	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/examples/bank/account"
	"github.com/esgen-go/esgen/examples/bank/operation"
	"github.com/esgen-go/esgen/repository"
)

// Fate is what became of an operation.
type Fate int

// The fates.
const (
	Applied        Fate = iota // carried out now
	AlreadyApplied             // carried out before
	Refused                    // refused now, and remembered as refused
	RefusedEarlier             // refused before, and left at that
)

// Settle carries out a request as the operation of an id, once for all: however often, from however
// many processes, and whatever happened to them meanwhile. What the bank's rules refuse is
// remembered as refused, with the reason, and stays so unless retry is set. An id that was used for
// another request is an [*operation.OtherRequestError].
//
// What the request does to accounts and the operation's own event are one append. So there is
// nothing between done and not done, and of two processes at once one finds the operation's
// stream further than it expected, and then decides afresh.
func (b *Bank) Settle(ctx context.Context, id string, r operation.Request, retry bool) (fate Fate, reason string, err error) {
	_, err = b.atomically(ctx, func(u *repository.Unit) error {
		fate, reason = Applied, ""
		op, settled, err := b.operationIn(u, id, r, retry)
		if err != nil {
			return err
		}
		if settled {
			fate, reason = fateOf(op)
			return nil
		}
		if _, err := b.carryOut(u, r); err != nil {
			return err
		}
		return op.Accept(r)
	}, "")
	refusal, refused := errors.AsType[*account.Error](err)
	if !refused {
		return fate, reason, err
	}
	// A unit of its own: of what the first one had recorded before it was refused, nothing must be saved.
	_, err = b.atomically(ctx, func(u *repository.Unit) error {
		fate, reason = Refused, refusal.Error()
		op, settled, err := b.operationIn(u, id, r, retry)
		if err != nil {
			return err
		}
		if settled { // meanwhile, by someone else
			fate, reason = fateOf(op)
			return nil
		}
		if op.Reason == reason {
			return nil // once more for the same reason: there is nothing new to remember
		}
		return op.Refuse(r, reason)
	}, "")
	return fate, reason, err
}

// operationIn returns the operation of an id, and whether there is nothing left to decide about it.
func (b *Bank) operationIn(u *repository.Unit, id string, r operation.Request, retry bool) (*operation.Operation, bool, error) {
	op, err := b.operations.LoadIn(u, id)
	if errors.Is(err, es.ErrNotFound) {
		op, err = b.operations.CreateIn(u, id)
		return op, false, err
	}
	if err != nil {
		return nil, false, err
	}
	if _, err := op.Known(r); err != nil {
		return nil, false, err
	}
	return op, op.Accepted || !retry, nil
}

func fateOf(op *operation.Operation) (Fate, string) {
	if op.Accepted {
		return AlreadyApplied, ""
	}
	return RefusedEarlier, op.Reason
}
