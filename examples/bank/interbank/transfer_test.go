package interbank_test

import (
	"errors"
	"testing"
	"time"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/examples/bank/interbank"
	"github.com/esgen-go/esgen/examples/bank/money"
)

var requested = interbank.TransferRequested{Account: "alice", To: "DE-1", Amount: money.New(500, "EUR"), Timeout: 60_000}

func TestATransferIsRequestedOnce(t *testing.T) {
	t.Parallel()
	ask := func(tr *interbank.Transfer) error {
		return tr.Request("alice", "DE-1", money.New(500, "EUR"), time.Minute)
	}
	aggregatetest.Given(t, interbank.NewTransfer("t")).When(ask).Then(requested)
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested).When(ask).ThenError(interbank.ErrExists)
}

func TestOnlyATransferThatWaitsIsAnswered(t *testing.T) {
	t.Parallel()
	debited, confirmed, late := interbank.TransferDebited{}, interbank.TransferConfirmed{}, interbank.TransferTimedOut{}
	reject := func(tr *interbank.Transfer) error { return tr.Reject("unknown account") }
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited).When((*interbank.Transfer).Confirm).Then(confirmed)
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited).When(reject).Then(interbank.TransferRejected{Reason: "unknown account"})
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested).When((*interbank.Transfer).Confirm).ThenError(interbank.ErrNotPending)
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited, late).When((*interbank.Transfer).Confirm).ThenError(interbank.ErrNotPending)
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited, confirmed).When(reject).ThenError(interbank.ErrNotPending)
}

func TestATimeOutThatComesTooLateChangesNothing(t *testing.T) {
	t.Parallel()
	debited := interbank.TransferDebited{}
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited).When((*interbank.Transfer).TimeOut).Then(interbank.TransferTimedOut{})
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested, debited, interbank.TransferConfirmed{}).When((*interbank.Transfer).TimeOut).Then()
	aggregatetest.Given(t, interbank.NewTransfer("t"), requested).When((*interbank.Transfer).TimeOut).Then()
}

func TestTheMoneyComesBackOnce(t *testing.T) {
	t.Parallel()
	giveBack := func(tr *interbank.Transfer) error {
		if !tr.Return() {
			return errors.New("no")
		}
		if tr.Return() {
			return errors.New("twice")
		}
		return nil
	}
	for _, why := range []any{interbank.TransferRejected{Reason: "no"}, interbank.TransferTimedOut{}} {
		aggregatetest.Given(t, interbank.NewTransfer("t"), requested, interbank.TransferDebited{}, why).When(giveBack).Then(interbank.TransferReturned{})
	}
}
