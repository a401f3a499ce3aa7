package money

import "math/big"

// Total is a sum of any number of amounts in one currency: it can't overflow, as an [Amount] can.
type Total struct {
	Currency Currency
	minor    big.Int
}

// Add adds minor units, which may be negative.
func (t *Total) Add(minor int64) { t.minor.Add(&t.minor, big.NewInt(minor)) }

// AddTotal adds a total in the same currency.
func (t *Total) AddTotal(other *Total) { t.minor.Add(&t.minor, &other.minor) }

// Sub subtracts a total in the same currency.
func (t *Total) Sub(other *Total) { t.minor.Sub(&t.minor, &other.minor) }

// Equal reports whether two totals are the same.
func (t *Total) Equal(other *Total) bool {
	return t.Currency == other.Currency && t.minor.Cmp(&other.minor) == 0
}

// String prints the total as an [Amount] is printed.
func (t *Total) String() string {
	return decimal(t.minor.String(), t.Currency) + " " + string(t.Currency)
}
