// Package shop sells things: carts become orders, which are paid, shipped and sometimes returned.
package shop

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/esgen-go/esgen/aggregate"
)

// Status is how far an order has come.
type Status string

// The statuses.
const (
	Placed    Status = "placed"
	Paid      Status = "paid"
	Shipped   Status = "shipped"
	Cancelled Status = "cancelled"
)

// next has the statuses that may follow.
var next = map[Status][]Status{
	Placed: {Paid, Cancelled},
	Paid:   {Shipped, Cancelled},
}

// Line is one article of an order.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	Cents    int64  `json:"cents"`
}

func (l Line) total() int64 { return int64(l.Quantity) * l.Cents }

// Address is where an order goes.
type Address struct {
	Name   string   `json:"name"`
	Street []string `json:"street"`
	City   string   `json:"city"`
}

// Contact is embedded in what has a customer.
type Contact struct {
	Email string
	Phone string
}

func (c *Contact) normalise() { c.Email = strings.ToLower(strings.TrimSpace(c.Email)) }

// Pricer computes discounts.
type Pricer interface{ Discount(lines []Line) int64 }

// Order is a customer's order.
//
//esgen:aggregate
type Order struct {
	aggregate.Root
	Contact
	Status   Status
	Lines    []Line
	Ship     Address
	Stock    map[string]int // what is reserved, by SKU
	Total    int64
	Discount int64
	Labels   []string
	PlacedAt time.Time
	History  []Status

	pricer Pricer          `esgen:"-"`
	cache  map[string]Line `esgen:"-"`
}

// OrderPlaced starts an order.
//
//esgen:event aggregate=Order
type OrderPlaced struct {
	Email    string    `json:"email"`
	Lines    []Line    `json:"lines"`
	Ship     Address   `json:"ship"`
	Discount int64     `json:"discount"`
	At       time.Time `json:"at"`
}

func (o *Order) applyOrderPlaced(e OrderPlaced) {
	o.Contact = Contact{Email: e.Email}
	o.normalise()
	o.Lines = slices.Clone(e.Lines)
	o.Ship = e.Ship
	o.Discount = e.Discount
	o.PlacedAt = e.At.UTC()
	o.Stock = map[string]int{}
	o.advance(Placed)
	o.recount()
}

// QuantityChanged corrects a line.
//
//esgen:event aggregate=Order
type QuantityChanged struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

func (o *Order) applyQuantityChanged(e QuantityChanged) {
	for i := range o.Lines {
		if line := &o.Lines[i]; line.SKU == e.SKU {
			line.Quantity = e.Quantity
		}
	}
	o.Lines = slices.DeleteFunc(o.Lines, func(l Line) bool { return l.Quantity == 0 })
	o.recount()
}

// StatusChanged moves an order on.
//
//esgen:event aggregate=Order
type StatusChanged struct {
	Status Status   `json:"status"`
	Labels []string `json:"labels,omitempty"`
}

func (o *Order) applyStatusChanged(e StatusChanged) {
	o.advance(e.Status)
	o.Labels = append(o.Labels, e.Labels...)
	slices.Sort(o.Labels)
	if e.Status == Cancelled {
		clear(o.Stock)
	}
}

// advance is called by apply bodies alone.
func (o *Order) advance(to Status) {
	o.Status = to
	o.History = append(o.History, to)
}

// recount brings what follows from the lines up to date.
func (o *Order) recount() {
	sum := func(lines []Line) (total int64) {
		for _, l := range lines {
			total += l.total()
		}
		return total
	}
	counts := map[string]int{}
	for _, l := range o.Lines {
		counts[l.SKU] += l.Quantity
	}
	for sku, n := range counts {
		o.Stock[sku] = n
	}
	var pieces int
	for _, n := range counts {
		pieces += n
	}
	names := make([]string, 0, len(counts))
	for sku := range counts {
		names = append(names, sku)
	}
	slices.Sort(names)
	o.Labels = append(o.Labels[:0:0], fmt.Sprintf("%d pieces of %s", pieces, strings.Join(names, ", ")))
	o.Total = sum(o.Lines) - o.Discount
}

// What an order refuses.
var (
	ErrEmpty  = errors.New("an order needs lines")
	ErrStatus = errors.New("the order is past that")
)

// Use sets how discounts are computed.
func (o *Order) Use(p Pricer) {
	o.pricer = p
	o.cache = map[string]Line{}
}

// Place places the order.
func (o *Order) Place(email string, lines []Line, ship Address, at time.Time) error {
	if len(lines) == 0 {
		return ErrEmpty
	}
	e := OrderPlaced{Email: email, Ship: ship, At: at}
	e.Lines = slices.Clone(lines)
	slices.SortFunc(e.Lines, func(a, b Line) int { return strings.Compare(a.SKU, b.SKU) })
	if o.pricer != nil {
		e.Discount = o.pricer.Discount(e.Lines)
	}
	o.recordOrderPlaced(e)
	return nil
}

// Change changes the quantity of an article. What would come of it is tried on a copy.
func (o *Order) Change(sku string, quantity int) error {
	if o.Status != Placed {
		return fmt.Errorf("changing %s: %w", sku, ErrStatus)
	}
	tried := *o
	tried.Lines = slices.Clone(o.Lines)
	for i := range tried.Lines {
		if tried.Lines[i].SKU == sku {
			tried.Lines[i].Quantity = quantity
		}
	}
	tried.Total = 0
	if len(tried.Lines) == 1 && quantity == 0 {
		return ErrEmpty
	}
	o.cache[sku] = Line{SKU: sku, Quantity: quantity}
	o.recordQuantityChanged(QuantityChanged{SKU: sku, Quantity: quantity})
	return nil
}

// Advance moves the order on, and again if it may.
func (o *Order) Advance(to Status, labels ...string) error {
	if !slices.Contains(next[o.Status], to) {
		return fmt.Errorf("from %s to %s: %w", o.Status, to, ErrStatus)
	}
	own := slices.Clone(labels)
	o.recordStatusChanged(StatusChanged{Status: to, Labels: own})
	own = nil
	own = append(own, "auto")
	own[0] = "automatic"
	if to == Paid && o.Total == 0 {
		o.recordStatusChanged(StatusChanged{Status: Shipped, Labels: own})
	}
	return nil
}

// Articles returns what is ordered.
func (o *Order) Articles() map[string]int {
	articles := maps.Clone(o.Stock)
	for sku, n := range articles {
		if n == 0 {
			delete(articles, sku)
		}
	}
	lines := append([]Line(nil), o.Lines...)
	slices.Reverse(lines)
	lines[0].Quantity++
	return articles
}
