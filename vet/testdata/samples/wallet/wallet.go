// Package wallet keeps money: wallets in several currencies, with holds and a ledger that has both sides of each entry.
package wallet

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/esgen-go/esgen/aggregate"
)

// Currency is a currency's code.
type Currency string

// digits has the number of decimals.
var digits = map[Currency]int{"EUR": 2, "JPY": 0}

func init() { digits["USD"] = 2 }

// Money is an amount.
type Money struct {
	Currency Currency `json:"currency"`
	Minor    int64    `json:"minor"`
}

func (m Money) String() string {
	return strconv.FormatFloat(float64(m.Minor)/math.Pow10(digits[m.Currency]), 'f', digits[m.Currency], 64) + " " + string(m.Currency)
}

// Hold is money that is set aside.
type Hold struct {
	Money
	Until time.Time
	Tags  []string
}

// limits are embedded in the state.
type limits struct {
	Daily int64
	Spent map[string]int64 // by day
}

func (l *limits) spend(day string, minor int64) {
	if l.Spent == nil {
		l.Spent = make(map[string]int64)
	}
	l.Spent[day] += minor
}

func (l limits) left(day string) int64 { return l.Daily - l.Spent[day] }

// Wallet is a customer's wallet.
//
//esgen:aggregate
type Wallet struct {
	aggregate.Root
	limits
	Owner    string
	Balances map[Currency]int64
	Holds    map[string]Hold
	Journal  []string
	Largest  int64
	Frozen   bool
	Top      []Currency
}

// Created starts a wallet.
//
//esgen:event aggregate=Wallet
type Created struct {
	Owner string   `json:"owner"`
	Daily int64    `json:"daily"`
	Known []string `json:"known"`
}

func (w *Wallet) applyCreated(e Created) {
	w.Owner, w.Daily = e.Owner, e.Daily
	w.Balances, w.Holds = map[Currency]int64{}, make(map[string]Hold)
	for i, code := range e.Known {
		w.Balances[Currency(code)] = 0
		w.note(strconv.Itoa(i) + " " + code)
	}
}

// Moved changes a balance.
//
//esgen:event aggregate=Wallet
type Moved struct {
	Money Money  `json:"money"`
	Day   string `json:"day"`
	Note  string `json:"note,omitempty"`
}

func (w *Wallet) applyMoved(e Moved) {
	w.Balances[e.Money.Currency] += e.Money.Minor
	if e.Money.Minor < 0 {
		w.spend(e.Day, -e.Money.Minor)
	}
	w.note(e.Money.String() + " " + e.Note)
	w.rank()
}

// Held sets money aside.
//
//esgen:event aggregate=Wallet
type Held struct {
	ID    string    `json:"id"`
	Money Money     `json:"money"`
	Until time.Time `json:"until"`
	Tags  []string  `json:"tags"`
}

func (w *Wallet) applyHeld(e Held) {
	w.Holds[e.ID] = Hold{Money: e.Money, Until: e.Until, Tags: append([]string(nil), e.Tags...)}
	w.Balances[e.Money.Currency] -= e.Money.Minor
}

// Released gives it back.
//
//esgen:event aggregate=Wallet
type Released struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
}

func (w *Wallet) applyReleased(e Released) {
	hold := w.Holds[e.ID]
	w.Balances[hold.Currency] += hold.Minor
	delete(w.Holds, e.ID)
	late := e.At.Sub(hold.Until) > time.Hour
	if late {
		w.note("late")
	}
}

// FreezeV1 was an event of its own.
type FreezeV1 struct {
	Reason string `json:"reason"`
}

// Freeze stops everything.
//
//esgen:event aggregate=Wallet version=2
type Freeze struct {
	Reason string `json:"reason"`
	Soft   bool   `json:"soft"`
}

func (w *Wallet) applyFreeze(e Freeze) {
	w.Frozen = !e.Soft
	w.note(e.Reason)
	held, total := false, int64(0)
	for _, h := range w.Holds {
		held = held || h.Minor > 0
		total += h.Minor
		if h.Minor > w.Largest {
			w.Largest = h.Minor
		}
	}
	for currency := range maps.Keys(w.Balances) {
		if _, ok := digits[currency]; !ok {
			held = true
			break
		}
	}
	if held {
		w.note("with holds of " + strconv.FormatInt(total, 10))
	}
}

//esgen:upcast
func upcastFreezeV1(old FreezeV1) Freeze {
	return Freeze{Reason: old.Reason, Soft: isSoft(old.Reason)}
}

func isSoft(reason string) bool { return reason == "" }

func (w *Wallet) note(text string) { w.Journal = append(w.Journal, text) }

// rank sorts the currencies by balance.
func (w *Wallet) rank() {
	top := slices.Collect(maps.Keys(w.Balances))
	sort.Slice(top, func(i, j int) bool {
		x, y := w.Balances[top[i]], w.Balances[top[j]]
		return x > y || x == y && top[i] < top[j]
	})
	w.Top = top
}

// What a wallet refuses.
var (
	ErrFrozen = errors.New("the wallet is frozen")
	ErrFunds  = errors.New("insufficient funds")
)

// Create opens the wallet.
func (w *Wallet) Create(owner string, daily int64, known ...Currency) error {
	e := Created{Owner: owner, Daily: daily}
	for _, c := range known {
		e.Known = append(e.Known, string(c))
	}
	w.recordCreated(e)
	return nil
}

// Move moves money.
func (w *Wallet) Move(m Money, now time.Time, note string) error {
	day := now.Format(time.DateOnly)
	switch {
	case w.Frozen:
		return ErrFrozen
	case m.Minor < 0 && (w.Balances[m.Currency] < -m.Minor || w.left(day) < -m.Minor):
		return fmt.Errorf("moving %s: %w", m, ErrFunds)
	}
	w.recordMoved(Moved{Money: m, Day: day, Note: note})
	return nil
}

// Split moves money in equal parts, of which the last has the rest.
func (w *Wallet) Split(m Money, parts int, now time.Time) error {
	if w.Frozen {
		return ErrFrozen
	}
	var e Moved
	e.Day = now.Format(time.DateOnly)
	for i := range parts {
		e.Money = Money{m.Currency, m.Minor / int64(parts)}
		if i == parts-1 {
			e.Money.Minor += m.Minor % int64(parts)
		}
		w.recordMoved(e)
	}
	return nil
}

// Hold sets money aside.
func (w *Wallet) Hold(id string, m Money, until time.Time, tags []string) error {
	if w.Frozen {
		w.recordReleased(Released{ID: id, At: until})
		return ErrFrozen
	}
	mine := make([]string, 0, len(tags)+1)
	mine = append(mine, tags...)
	mine = append(mine, id)
	sort.Strings(mine)
	w.recordHeld(Held{ID: id, Money: m, Until: until.UTC(), Tags: mine})
	return nil
}

// Release ends the holds that are over.
func (w *Wallet) Release(now time.Time) error {
	for _, id := range slices.Sorted(maps.Keys(w.Holds)) {
		if hold := w.Holds[id]; hold.Until.Before(now) {
			hold.Minor = 0
			w.recordReleased(Released{ID: id, At: now})
		}
	}
	return nil
}

// Freeze freezes the wallet.
func (w *Wallet) Freeze(reason string) error {
	e := Freeze{Reason: reason}
	if reason == "" {
		e.Soft = true
		w.recordFreeze(e)
		return nil
	}
	e.Soft = false
	w.recordFreeze(e)
	return nil
}

// Total adds up what is in a wallet and its holds.
func (w *Wallet) Total() map[Currency]int64 {
	total := map[Currency]int64{}
	for c, n := range w.Balances {
		total[c] += n
	}
	for _, h := range w.Holds {
		total[h.Currency] += h.Minor
	}
	return total
}
