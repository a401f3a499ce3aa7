package operation_test

import (
	"strings"
	"testing"

	"github.com/esgen-go/esgen/aggregate/aggregatetest"
	"github.com/esgen-go/esgen/examples/bank/money"
	"github.com/esgen-go/esgen/examples/bank/operation"
)

var (
	five  = operation.Request{Kind: operation.Deposit, Account: "ada", Amount: money.New(5_00, "EUR")}
	seven = operation.Request{Kind: operation.Deposit, Account: "ada", Amount: money.New(7_00, "EUR")}
)

func TestAnOperationIsAcceptedOnceAndForAll(t *testing.T) {
	t.Parallel()
	accept := func(o *operation.Operation) error { return o.Accept(five) }
	refuse := func(o *operation.Operation) error { return o.Refuse(five, "no funds") }
	accepted, refused := operation.Accepted{Request: five}, operation.Refused{Request: five, Reason: "no funds"}

	given := func(events ...any) *aggregatetest.Case[operation.Operation] {
		return aggregatetest.Given(t, operation.New("row-1"), events...)
	}
	given().When(accept).Then(accepted)
	given().When(refuse).Then(refused)
	given(refused).When(accept).Then(accepted).ThenState(func(t testing.TB, o *operation.Operation) {
		if !o.Accepted || o.Reason != "" || o.Refusals != 1 {
			t.Errorf("got %+v, want it accepted after one refusal", o)
		}
	})
	given(refused).When(refuse).Then(refused).ThenState(func(t testing.TB, o *operation.Operation) {
		if o.Accepted || o.Reason != "no funds" || o.Refusals != 2 {
			t.Errorf("got %+v, want it refused twice", o)
		}
	})
	given(accepted).When(accept).ThenError(operation.ErrAccepted)
	given(accepted).When(refuse).ThenError(operation.ErrAccepted)
}

func TestAnIdBelongsToOneRequest(t *testing.T) {
	t.Parallel()
	for _, earlier := range []any{operation.Accepted{Request: five}, operation.Refused{Request: five, Reason: "no funds"}} {
		for _, command := range []func(*operation.Operation) error{
			func(o *operation.Operation) error { return o.Accept(seven) },
			func(o *operation.Operation) error { return o.Refuse(seven, "no") },
			func(o *operation.Operation) error { _, err := o.Known(seven); return err },
		} {
			var other *operation.OtherRequestError
			aggregatetest.Given(t, operation.New("row-1"), earlier).When(command).
				ThenError(operation.ErrOtherRequest).ThenErrorAs(&other)
			const want = "id row-1 was used before for another operation (deposit 5.00 EUR to ada), now it is to deposit 7.00 EUR to ada"
			if other != nil && !strings.HasPrefix(other.Error(), want) {
				t.Errorf("it reads %q, want %q", other, want)
			}
		}
	}
}

func TestANoteThatDiffersIsTold(t *testing.T) {
	t.Parallel()
	noted := five
	noted.Note = "salary"
	err := &operation.OtherRequestError{ID: "row-1", Stored: five, Given: noted}
	if text := err.Error(); !strings.Contains(text, `note ""`) || !strings.Contains(text, `note "salary"`) {
		t.Errorf("it reads %q, want both notes", text)
	}
}
