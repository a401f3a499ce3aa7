package repository

import (
	"errors"
	"time"

	"github.com/esgen-go/esgen/es"
)

// Option configures a [Repository].
type Option interface{ configure(*config) }

// SaveOption configures one Save, [SaveAll], Create, Update or [Atomically].
type SaveOption interface{ configureSave(*saving) }

// RetryOption is both: given to [New] it holds for the repository, given to a call for
// that call.
type RetryOption func(*retryPolicy)

func (o RetryOption) configure(c *config)     { o(&c.retry) }
func (o RetryOption) configureSave(s *saving) { o(&s.retry) }

// MaxRetries bounds how often a call tries again in all: deciding afresh after a
// conflict, or sending the same events again after an unknown outcome. The default is
// 16. Raise it for aggregates that many writers share; 0 turns trying again off.
func MaxRetries(n int) RetryOption { return func(p *retryPolicy) { p.max = max(n, 0) } }

// Backoff sets the pauses between tries: the n-th is a random one of up to base times
// two to the power of n-1, and never longer than ceiling. The default is 1 ms and 200
// ms, which suits a store in the same process or rack. Raise both for one that is
// further away.
func Backoff(base, ceiling time.Duration) RetryOption {
	return func(p *retryPolicy) { p.base, p.ceiling = base, ceiling }
}

// saving is the configuration of one call that saves.
type saving struct {
	retry   retryPolicy
	keyed   bool
	key     string
	receipt *es.Receipt
}

func newSaving(retry retryPolicy, opts []SaveOption) (saving, error) {
	s := saving{retry: retry}
	for _, o := range opts {
		o.configureSave(&s)
	}
	if s.keyed && s.key == "" {
		return s, errors.New("the idempotency key is empty: give each command its own, or leave the option out")
	}
	return s, nil
}

type saveOption func(*saving)

func (o saveOption) configureSave(s *saving) { o(s) }

// IdempotencyKey makes a command safe to be sent again: the ids of its events are
// derived from their stream and the key (see [es.DeriveID]), so that they are stored
// once however often the command comes. Create, Update and [Atomically] look the key up
// before they decide, and a command that was done before is a success without being run
// again. A command that records nothing is not remembered.
//
// The key is all that is compared. Another command under a used key of the same
// stream counts as done, and is not run: choose a key that names one intent, such as
// the id of the client's request. With [Atomically] a key is used as soon as one of the
// streams has it. The default is no key, and ids are random.
func IdempotencyKey(key string) SaveOption {
	return saveOption(func(s *saving) { s.keyed, s.key = true, key })
}

// ReceiptTo has the receipt of a success written to r: the positions to wait for in a
// projection, and whether it was a duplicate. That can be one of this very call, whose
// first reply was lost. A duplicate that was found by its idempotency key before
// deciding has no Streams, and so has a command that recorded nothing. The default drops
// it.
func ReceiptTo(r *es.Receipt) SaveOption {
	return saveOption(func(s *saving) { s.receipt = r })
}

// report passes on the outcome of a save, and writes the receipt where it was asked for.
func (s saving) report(receipt es.Receipt, err error) (es.Receipt, error) {
	if err == nil && s.receipt != nil {
		*s.receipt = receipt
	}
	return receipt, err
}
