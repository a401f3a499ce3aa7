package account

import (
	"errors"
	"math"

	"github.com/esgen-go/esgen/examples/bank/money"
)

// OpenedV1 is how Opened was stored while the bank knew euros only.
type OpenedV1 struct {
	Holder string `json:"holder"`
}

// OpenedV2 is how Opened was stored before accounts could be overdrawn.
type OpenedV2 struct {
	Holder   string         `json:"holder"`
	Currency money.Currency `json:"currency"`
}

//esgen:upcast
func upcastOpenedV1(o OpenedV1) OpenedV2 { return OpenedV2{Holder: o.Holder, Currency: "EUR"} }

//esgen:upcast
func upcastOpenedV2(o OpenedV2) Opened { return Opened{Owner: o.Holder, Currency: o.Currency} }

// Adjusted was what a clerk entered before deposits and withdrawals had events of their own: a signed
// amount, zero for a remark without money, and what the bank charged for it.
//
//esgen:event name=account.adjusted version=1 aggregate=Account
type Adjusted struct {
	Amount int64 `json:"amount"` // minor units
	Fee    int64 `json:"fee,omitempty"`
}

// upcastAdjusted splits an adjustment into what happened to the money: nothing, one payment, or a
// payment and a fee.
//
//esgen:upcast
func upcastAdjusted(o Adjusted) ([]AccountEvent, error) {
	if o.Amount == math.MinInt64 || o.Fee < 0 {
		return nil, errors.New("an adjustment's amount must have an opposite and its fee must not be negative")
	}
	var events []AccountEvent
	switch {
	case o.Amount > 0:
		events = append(events, Deposited{Amount: o.Amount})
	case o.Amount < 0:
		events = append(events, Withdrawn{Amount: -o.Amount})
	}
	if o.Fee > 0 {
		events = append(events, Withdrawn{Amount: o.Fee, Note: "fee"})
	}
	return events, nil
}
